extension SignedTokenServer {
    /// The server itself, in Python: Debian has its signatures as a package, and Swift's toolchain does not.
    ///
    /// Source: the distribution project's token, JWT and OAuth2 specifications.
    static let script = #"""
        import base64, hashlib, json, sys, time, uuid
        from email.utils import formatdate
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        from urllib.parse import parse_qsl, urlsplit
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        certificate_path, key_path, settings_path = sys.argv[1:4]
        key = serialization.load_pem_private_key(open(key_path, "rb").read(), None)
        certificate = x509.load_pem_x509_certificate(open(certificate_path, "rb").read())
        chain = [base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]
        is_elliptic = isinstance(key, ec.EllipticCurvePrivateKey)


        def encode(data):
            if isinstance(data, dict):
                data = json.dumps(data).encode()
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


        def sign(claims):
            header = {"typ": "JWT", "alg": "ES256" if is_elliptic else "RS256", "x5c": chain}
            text = encode(header) + "." + encode(claims)
            if is_elliptic:
                r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
                signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
            else:
                signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
            return text + "." + encode(signature)


        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def date_time_string(self, timestamp=None):
                return formatdate(time.time() + self.settings["skew"], usegmt=True)

            def do_GET(self):
                items = parse_qsl(urlsplit(self.path).query, keep_blank_values=True)
                self.answer("GET", items)

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer("POST", parse_qsl(form, keep_blank_values=True))

            def answer(self, method, items):
                self.settings = json.load(open(settings_path))
                names = dict(items)
                scopes = " ".join(value for name, value in items if name == "scope").split()
                status, reply = self.reply(method, names, scopes)
                told = {"method": method, "scopes": scopes, "account": names.get("account"), "status": status}
                sys.stdout.write("request " + json.dumps(told) + "\n")
                sys.stdout.flush()
                body = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def reply(self, method, names, scopes):
                settings = self.settings
                refusal = {"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]}
                if names.get("service") != settings["service"]:
                    return 400, {"errors": [{"code": "UNSUPPORTED", "message": "not this service"}]}
                user = None
                if method == "POST":
                    if settings.get("identityToken") is None:
                        return 404, {}
                    if names.get("grant_type") != "refresh_token" or not names.get("client_id"):
                        return 400, {"error": "unsupported_grant_type"}
                    if names.get("refresh_token") != settings.get("identityToken"):
                        return 401, {"error": "invalid_grant"}
                    user = settings["user"]
                elif self.headers["Authorization"]:
                    login = settings["user"] + ":" + settings["password"]
                    if self.headers["Authorization"] != "Basic " + base64.b64encode(login.encode()).decode():
                        return 401, refusal
                    user = settings["user"]
                access = []
                for scope in scopes:
                    kind, name, actions = scope.split(":", 2)
                    allowed = set(actions.split(","))
                    if user is None or name in settings["refused"]:
                        allowed = set()
                    elif name in settings["readOnly"]:
                        allowed &= {"pull"}
                    access.append({"type": kind, "name": name, "actions": sorted(allowed)})
                now = int(time.time())
                claimed = now + (settings["skew"] if settings["skewsClaims"] else 0)
                # The registry takes tokens for a minute longer than they say.
                claims = {
                    "iss": settings["issuer"], "sub": user or "", "aud": settings["service"],
                    "exp": claimed + settings["life"] - 60, "nbf": claimed - 120, "iat": claimed,
                    "jti": uuid.uuid4().hex, "access": access,
                }
                if settings["skewsClaims"]:
                    claims["nbf"] = claimed
                    claims["exp"] = claimed + settings["life"]
                token = sign(claims)
                issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + settings["skew"]))
                reply = {"token": token, "access_token": token, "issued_at": issued}
                if "expiresIn" in settings:
                    reply["expires_in"] = settings["expiresIn"]
                if method == "POST":
                    reply["refresh_token"] = settings.get("identityToken")
                return 200, reply


        ThreadingHTTPServer.request_queue_size = 256
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print("listening on %d" % server.server_address[1], flush=True)
        server.serve_forever()
        """#
}
