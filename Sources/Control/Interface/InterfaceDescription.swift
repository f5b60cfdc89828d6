/// `org.pushd.Control` in Varlink's language. A test holds it against the messages.
let controlInterfaceDescription = interfaceTypes + interfaceMethods + interfaceErrors
