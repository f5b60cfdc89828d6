/// What to do where one side speaks TLS and the other does not: only what was really set can be taken back.
extension RegistryError {
    var schemeAdvice: String {
        let setting = "registries.\"\(registry)\"."
        let plain = "set \(setting)plainHttp to true in pushd.json5"
        switch (cause, schemeBasis) {
        case (.wantsTLS, .plainHTTP(true)): return "take \(setting)plainHttp out of pushd.json5"
        case (_, .plainHTTP): return "if that is wanted, \(plain); what is sent can be read on the way then"
        case (_, .setting(let name)):
            return "take \(setting)\(name) out of pushd.json5, which asks for TLS, or \(plain)"
        case (_, .certificates(let directory)):
            return "take the certificates in \(directory) away, which ask for TLS, or \(plain)"
        case (_, .usual): return "if that is wanted, \(plain); what is sent can be read on the way then"
        case (_, .found): return "have it found out anew: pushctl registries \(registry) --forget"
        case (_, nil): return "ask the owner of \(registry), which leads to another server that does so"
        }
    }
}
