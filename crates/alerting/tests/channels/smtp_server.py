"""A mail server on loopback. It prints its port, then each message that it took as a line of JSON.

What it does to a recipient is told by the part before the @: `refused` gets 550, `full` 552, `greylisted` 451, and at
`hanging` it says no more.
"""

import argparse
import asyncio
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult


def say(line):
    print(line, flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        if local == "refused":
            return "550 5.1.1 nobody of that name"
        if local == "full":
            return "552 5.2.2 mailbox over quota"
        if local == "greylisted":
            return "451 4.7.1 try again later"
        if local == "hanging":
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "surrogateescape"),
            "encrypted": server.transport.get_extra_info("ssl_object") is not None,
            "user": session.auth_data and session.auth_data.login.decode(),
            "peer": session.peer[1],
        }))
        return "250 OK"


def authenticator(expected):
    def check(server, session, envelope, mechanism, data):
        given = b":".join([data.login, data.password]).decode()
        return AuthResult(success=given == expected, handled=given == expected, auth_data=data)
    return check


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--auth", help="USER:PASSWORD")
    parser.add_argument("--login-only", action="store_true")
    arguments = parser.parse_args()
    context = None
    if arguments.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.cert, arguments.key)
    options = {"auth_require_tls": arguments.tls == "starttls"}
    if arguments.tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if arguments.auth:
        options |= {"authenticator": authenticator(arguments.auth), "auth_required": True}
    if arguments.login_only:
        options["auth_exclude_mechanism"] = ["PLAIN"]
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(), hostname="mail.test", **options),
        "127.0.0.1",
        0,
        ssl=context if arguments.tls == "implicit" else None,
    )
    say(server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
