"""moto's KMS for the tests of one signer. Prints its port; ends when its standard input does.

Three things differ from moto as it is:
- A digest is signed as it is (moto hashes it once more), and only digests are.
- The SigV4 proof of every request is recomputed with botocore, and a wrong one is refused.
- The file named by the first argument says what is wrong with the service at present: `well`,
  `throttled`, `away`, `slow`, `signs_unheard` (signs, and answers nothing of use), `another_key`.

Each signature made is a line in the file named by the second argument.
"""

import io
import re
import sys
import threading
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms import responses, utils
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

ACCESS, SECRET, TOKEN, REGION = "AKIDTEST", "test-secret-of-kms", "test-session-token", "eu-west-1"
STATE, MADE = sys.argv[1], sys.argv[2]
DIGEST = ec.ECDSA(Prehashed(hashes.SHA256()))


def state():
    with open(STATE) as file:
        return file.read().strip()


def sign_digest(self, message, signing_algorithm):
    assert signing_algorithm == "ECDSA_SHA_256" and len(message) == 32
    with open(MADE, "a") as file:
        file.write(message.hex() + "\n")
    key = self.private_key
    if state() == "another_key":
        key = ec.generate_private_key(ec.SECP256K1())
    return key.sign(message, DIGEST)


as_it_is = responses.KmsResponse.sign


def sign(self):
    assert self._get_param("MessageType") == "DIGEST"
    return as_it_is(self)


utils.ECDSAPrivateKey.sign = sign_digest
responses.KmsResponse.sign = sign


def proof_holds(request, body):
    sent = request.headers.get("Authorization", "")
    parts = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=(\w+)", sent
    )
    if not parts:
        return False
    names = parts[2].split(";")
    if not {"host", "x-amz-date", "x-amz-target", "x-amz-security-token"} <= set(names):
        return False
    headers = {name: request.headers[name] for name in names}
    copy = AWSRequest("POST", request.url, headers=headers, data=body)
    copy.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(ACCESS, SECRET, TOKEN), "kms", REGION)
    to_sign = auth.string_to_sign(copy, auth.canonical_request(copy))
    credential = ACCESS + "/" + auth.credential_scope(copy)
    fresh = abs(time.time() - time.mktime(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
                + time.timezone) < 300
    right_token = headers["x-amz-security-token"] == TOKEN
    return fresh and right_token and (parts[1], parts[3]) == (credential, auth.signature(to_sign, copy))


moto = DomainDispatcherApplication(create_backend_app)


def answer(environ, start):
    request = Request(environ)
    body = request.get_data(cache=True)
    now = state()
    if not proof_holds(request, body):
        refused = Response('{"__type": "InvalidSignatureException"}', 403)
        return refused(environ, start)
    if now == "throttled":
        return Response('{"__type": "ThrottlingException"}', 400)(environ, start)
    if now == "away":
        return Response("", 503)(environ, start)
    if now == "slow":
        time.sleep(60)
    environ["wsgi.input"] = io.BytesIO(body)
    if now == "signs_unheard":
        list(moto(environ, lambda *_: None))
        return Response("", 502)(environ, start)
    return moto(environ, start)


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=Quiet)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
