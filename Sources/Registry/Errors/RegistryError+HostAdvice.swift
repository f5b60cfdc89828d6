/// What to do at the registries that people use most, whose refusals say least.
extension RegistryError {
    /// Advice by the registry's host and the words of its refusal; nil where neither is known.
    ///
    /// Advice only: nothing is decided on a name. Source of each line: `docs/registries.md`.
    var hostAdvice: String? {
        let host = String(registry.lowercased().prefix { $0 != ":" })
        let repository = repository ?? "REPOSITORY"
        if cause == .rateLimited, host != "docker.io", host != "index.docker.io" { return nil }
        if host == "docker.io" || host == "index.docker.io" { return hubAdvice(repository) }
        if host == "public.ecr.aws" {
            return "the login lasts 12 hours; make a new one: aws ecr-public get-login-password --region us-east-1"
        }
        if host.hasSuffix(".amazonaws.com"), host.contains(".dkr.ecr.") { return ecrAdvice(host, repository) }
        if host.hasSuffix(".pkg.dev") || host == "gcr.io" || host.hasSuffix(".gcr.io") {
            return "create the repository (gcloud artifacts repositories create), or give the account the role "
                + "roles/artifactregistry.writer"
        }
        if host == "ghcr.io" {
            return says("installation")
                ? "let the workflow write packages (permissions: packages: write) and give it access to the package"
                : "use a classic token with the right write:packages, and give its user write access to the package"
        }
        if cause == .repositoryMissing { return nil }
        if host == "quay.io", authentication != nil {
            return "create \(repository) at \(registry) and give the account the right to write: robots can't create"
        }
        return nil
    }

    /// Advice by words that only one kind of registry says, whose hosts can't be known.
    var wordAdvice: String? {
        let project = repository.map { String($0.prefix { $0 != "/" }) } ?? "PROJECT"
        if says("unauthorized to access repository") {  // Harbor
            return
                "create the project \(project) at \(registry) (or set registries.\"\(registry)\".createRepository), or "
                + "give the account the rights to pull and push there"
        }
        if cause == .denied, says("is not allowed access", "firewall") {
            return "have this machine's address let in at \(registry), or push from inside its network"
        }
        if cause == .denied, says("namespace is disabled") {
            return "ask the administrator of \(registry): the namespace \(project) is disabled"
        }
        if cause == .manifestRefused, says("url on layer") {  // distribution
            return Self.addressAdvice
        }
        return nil
    }

    private func hubAdvice(_ repository: String) -> String? {
        if cause == .rateLimited {
            return "it goes on by itself; a login raises the limit where none is stored: pushctl login docker.io"
        }
        guard cause == .denied || cause == .repositoryMissing else { return nil }
        if repository.hasPrefix("library/") {
            return "push to docker.io/USER/\(repository.dropFirst(8)) instead: names without a user are Docker's own"
        }
        return
            "check the name; the login must belong to \(repository.prefix { $0 != "/" }), and its token must be able "
            + "to write"
    }

    private func ecrAdvice(_ host: String, _ repository: String) -> String? {
        let region = host.split(separator: ".").drop { $0 != "ecr" }.dropFirst().first ?? "REGION"
        if cause == .repositoryMissing || says("does not exist") {
            return "create it: aws ecr create-repository --repository-name \(repository) --region \(region), then: "
                + "pushctl retry --failed"
        }
        if says("not authorized to perform") { return "allow that action for this identity in AWS IAM" }
        return "logins there last 12 hours; make a new one: aws ecr get-login-password --region \(region)"
    }
}
