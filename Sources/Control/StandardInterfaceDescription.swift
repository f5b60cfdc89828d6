/// `org.varlink.service` in Varlink's language.
///
/// Source: varlink.org, "Service"; the last two errors are systemd's additions, sd-varlink. The last three fields of
/// each error are ours: what went wrong in words, what to do about it, and a word for programs.
let standardInterfaceDescription = """
    # What every Varlink service offers.
    interface org.varlink.service

    # Who answers, and which interfaces it offers.
    method GetInfo() -> (
      vendor: string,
      product: string,
      version: string,
      url: string,
      interfaces: []string
    )

    # An interface in Varlink's language.
    method GetInterfaceDescription(interface: string) -> (description: string)

    error InterfaceNotFound (interface: string, message: string, advice: ?string, code: string)
    error MethodNotFound (method: string, message: string, advice: ?string, code: string)
    error MethodNotImplemented (method: string, message: string, advice: ?string, code: string)
    error InvalidParameter (parameter: string, message: string, advice: ?string, code: string)
    error PermissionDenied (message: string, advice: ?string, code: string)
    error ExpectedMore (message: string, advice: ?string, code: string)

    """
