internal import CCurl

extension EasyHandle {
    /// How the connection came about, as far as it did.
    var connectionDetails: ConnectionReport.Details {
        var details = ConnectionReport.Details()
        details.resolved = time(CURLINFO_NAMELOOKUP_TIME_T)
        details.connected = time(CURLINFO_CONNECT_TIME_T)
        details.secured = time(CURLINFO_APPCONNECT_TIME_T)
        details.answered = time(CURLINFO_STARTTRANSFER_TIME_T)
        if let address = pushd_easy_get_text(pointer, CURLINFO_PRIMARY_IP).map({ String(cString: $0) }),
            !address.isEmpty
        {
            let host = address.contains(":") ? "[\(address)]" : address
            details.peer = "\(host):\(long(CURLINFO_PRIMARY_PORT))"
        }
        if let expires = certificateField("Expire date") {
            details.certificate = ConnectionReport.Certificate(
                subject: certificateField("Subject") ?? "", issuer: certificateField("Issuer") ?? "", expires: expires)
        }
        return details
    }

    /// Nil where it did not come to that.
    private func time(_ info: CURLINFO) -> Duration? {
        var value: curl_off_t = 0
        guard pushd_easy_get_offset(pointer, info, &value) == CURLE_OK, value > 0 else { return nil }
        return .microseconds(Int64(value))
    }

    private func certificateField(_ name: String) -> String? {
        pushd_easy_certificate_field(pointer, name).map { shortened(String(cString: $0), to: 200) }
    }
}
