"""Peers for tests/registry.bats, all on loopback: images to serve, a proxy that cuts connections, a token server, registries that are slow, forgetful or hostile. Standard library only.

Each server writes its port to the file PORTFILE, and ends with whoever started it.
"""
import base64
import gzip
import hashlib
import io
import json
import os
import random
import socket
import ssl
import sys
import tarfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def digest(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


# --- images ---

def layer(seed, size):
    """A gzip layer of about @size bytes, of files that do not compress, and its diff id."""
    plain = io.BytesIO()
    noise = random.Random(seed)
    with tarfile.open(fileobj=plain, mode='w', format=tarfile.PAX_FORMAT) as tar:
        for i in range(4):
            data = noise.randbytes(size // 4)
            info = tarfile.TarInfo('dir%s/file%d' % (seed, i))
            info.size = len(data)
            info.mtime = 1000000000 + i
            tar.addfile(info, io.BytesIO(data))
    packed = gzip.compress(plain.getvalue(), 1, mtime=0)
    return packed, digest(plain.getvalue())


class Image:
    """Blobs by digest, and the bytes of a manifest."""

    def __init__(self, seeds, size, architecture='amd64', variant=''):
        self.blobs = {}
        layers, diff_ids = [], []
        media = ('application/vnd.oci.image.manifest.v1+json', 'application/vnd.oci.image.config.v1+json',
                 'application/vnd.oci.image.layer.v1.tar+gzip')
        for seed in seeds:
            data, diff_id = layer(seed, size)
            layers.append(self.add(data, media[2]))
            diff_ids.append(diff_id)
        config = {'architecture': architecture, 'os': 'linux', 'config': {'Cmd': ['/bin/sh']},
                  'rootfs': {'type': 'layers', 'diff_ids': diff_ids},
                  'history': [{'created_by': 'test'} for _ in layers]}
        if variant:
            config['variant'] = variant
        self.media = media[0]
        self.layers = layers
        self.config = self.add(json.dumps(config).encode(), media[1])
        self.manifest = json.dumps({'schemaVersion': 2, 'mediaType': self.media, 'config': self.config, 'layers': layers}).encode()
        self.platform = {'os': 'linux', 'architecture': architecture}
        if variant:
            self.platform['variant'] = variant

    def add(self, data, media):
        self.blobs[digest(data)] = data
        return {'mediaType': media, 'digest': digest(data), 'size': len(data)}


def write_layout(directory, images, index=None):
    """An OCI layout with @images ({tag: Image}); @index: a list of these as one more, under that tag."""
    blobs = os.path.join(directory, 'blobs', 'sha256')
    os.makedirs(blobs, exist_ok=True)
    entries = []

    def put(data):
        with open(os.path.join(blobs, digest(data)[7:]), 'wb') as file:
            file.write(data)

    for tag, image in images.items():
        for data in image.blobs.values():
            put(data)
        put(image.manifest)
        entries.append({'mediaType': image.media, 'digest': digest(image.manifest), 'size': len(image.manifest),
                        'annotations': {'org.opencontainers.image.ref.name': tag}, 'platform': image.platform})
    if index:
        top = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json',
                          'manifests': [{k: v for k, v in e.items() if k != 'annotations'} for e in entries]}).encode()
        put(top)
        entries = [{'mediaType': 'application/vnd.oci.image.index.v1+json', 'digest': digest(top), 'size': len(top),
                    'annotations': {'org.opencontainers.image.ref.name': index}}]
    with open(os.path.join(directory, 'oci-layout'), 'w') as file:
        file.write('{"imageLayoutVersion": "1.0.0"}')
    with open(os.path.join(directory, 'index.json'), 'w') as file:
        json.dump({'schemaVersion': 2, 'manifests': entries}, file)


def make_layout(directory, size):
    """one: three layers of @size; two: two of these, and another; single: one."""
    write_layout(directory, {'one': Image([1, 2, 3], size), 'two': Image([1, 2, 4], size), 'single': Image([6], size)})


def make_multi(directory):
    """An index for several machines, each with a layer of its own."""
    write_layout(directory, {'a': Image([11], 4000), 'b': Image([12], 4000, 'arm', 'v6'), 'c': Image([13], 4000, 'arm', 'v7'),
                             'd': Image([14], 4000, 'arm64', 'v8'), 'e': Image([15], 4000, 's390x')}, index='multi')


# --- servers ---

def say_port(file, port):
    with open(file + '.new', 'w') as out:
        out.write(str(port))
    os.rename(file + '.new', file)


def end_with_parent():
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(0)
    threading.Thread(target=watch, daemon=True).start()


def proxy(portfile, target, log, down, up, times):
    """Connections to @target; of each, after @down bytes down or @up bytes up (0: never), both ends are cut, @times times in all (0: always). What passed is added up in @log: connections, bytes down, bytes up,
    cuts."""
    listener = socket.create_server(('127.0.0.1', 0), backlog=64)
    say_port(portfile, listener.getsockname()[1])
    counts = [0, 0, 0, 0]
    lock = threading.Lock()

    def write():
        with open(log + '.new', 'w') as out:
            out.write(' '.join(map(str, counts)) + '\n')
        os.rename(log + '.new', log)

    def pump(source, sink, which, limit):
        passed = 0
        try:
            while True:
                data = source.recv(262144 if not limit else min(262144, limit - passed))
                if not data:
                    break
                sink.sendall(data)
                passed += len(data)
                with lock:
                    counts[which] += len(data)
                    write()
                if limit and passed >= limit:
                    with lock:
                        if times and counts[3] >= times:
                            limit = 0
                            continue
                        counts[3] += 1
                        write()
                    break
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    write()
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(('127.0.0.1', target))
        with lock:
            counts[0] += 1
            write()
        threading.Thread(target=pump, args=(client, server, 2, up), daemon=True).start()
        threading.Thread(target=pump, args=(server, client, 1, down), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def handle(self):
        try:
            super().handle()
        except OSError: # a client that hangs up is what it is all about
            pass

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b'', headers=(), length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body) if length is None else length))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def error(self, status, code, headers=()):
        self.answer(status, json.dumps({'errors': [{'code': code, 'message': code.lower()}]}).encode(), headers)

    def record(self):
        with open(self.server.log, 'a') as out:
            out.write('%s %s %s\n' % (self.command, self.path, ' '.join(
                '%s=%s' % (name, self.headers[name]) for name in ('Authorization', 'Range', 'Content-Range') if self.headers[name])))


def serve(handler, portfile, log, **more):
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    server.daemon_threads = True
    server.log = log
    open(log, 'w').close()
    certificate = os.environ.get('PEER_CERTIFICATE')
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    for name, value in more.items():
        setattr(server, name, value)
    say_port(portfile, server.server_port)
    server.serve_forever()


class Front(Handler):
    """What stands before a registry and wants tokens: http://…/token gives them for learner:secret, everything else needs one of the right scope."""

    def do(self):
        self.record()
        url = urllib.parse.urlsplit(self.path)
        host = '127.0.0.1:%d' % self.server.server_port
        if url.path == '/token':
            return self.token(urllib.parse.parse_qs(url.query))
        words = (self.headers['Authorization'] or '').split()
        scopes = json.loads(base64.urlsafe_b64decode(words[1])) if words[:1] == ['Bearer'] else []
        repository = url.path[4:].split('/blobs/')[0].split('/manifests/')[0]
        actions = 'pull' if self.command in ('GET', 'HEAD') and '/uploads/' not in url.path else 'pull,push'
        if not any(scope in ('repository:%s:pull,push' % repository, 'repository:%s:%s' % (repository, actions)) for scope in scopes):
            return self.error(401, 'UNAUTHORIZED', [('WWW-Authenticate', 'Bearer realm="http://%s/token",service="the service",scope="repository:%s:%s"' % (host, repository, actions))])
        return self.forward(host)

    def token(self, query):
        if self.headers['Authorization'] != 'Basic ' + base64.b64encode(b'learner:secret').decode():
            return self.error(401, 'UNAUTHORIZED')
        if query.get('service') != ['the service']:
            return self.error(400, 'SERVICE')
        return self.answer(200, json.dumps({'token': self.token_for(query['scope']), 'expires_in': 60}).encode())

    def token_for(self, scopes):
        return base64.urlsafe_b64encode(json.dumps(scopes).encode()).decode()

    def forward(self, host):
        import http.client
        body = self.rfile.read(int(self.headers['Content-Length'] or 0))
        there = http.client.HTTPConnection('127.0.0.1', self.server.target)
        there.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() != 'authorization'})
        answer = there.getresponse()
        data = answer.read()
        headers = [(k, v) for k, v in answer.getheaders() if k.lower() not in ('content-length', 'transfer-encoding', 'connection')]
        self.answer(answer.status, data, headers, length=answer.getheader('Content-Length'))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do


class OAuthFront(Front):
    """The same with a token server that knows no passwords, only the grant of RFC 6749, section 6, for one refresh token. What it was sent is added to the log, sorted."""

    def token(self, query):
        form = urllib.parse.parse_qsl(self.rfile.read(int(self.headers['Content-Length'] or 0)).decode(), strict_parsing=self.command == 'POST')
        with open(self.server.log, 'a') as out:
            out.write('%s form %s\n' % (self.command, sorted(form)))
        sent = dict(form)
        if self.command != 'POST' or self.headers['Content-Type'] != 'application/x-www-form-urlencoded':
            return self.error(405, 'UNSUPPORTED')
        if len(sent) != len(form) or sent['grant_type'] != 'refresh_token' or sent['service'] != 'the service' or not sent['client_id']:
            return self.answer(400, b'{"error": "invalid_request"}')
        if sent['refresh_token'] != 'for ever & a day/+=%':
            return self.answer(400, b'{"error": "invalid_grant", "error_description": "nobody was given that"}')
        return self.answer(200, json.dumps({'access_token': self.token_for(sent['scope'].split()), 'expires_in': 60}).encode())


class Registry(Handler):
    """A registry in memory with the single image `NAME:latest`, uploads that can be resumed as the specification has it, and one fault, server.fault; if that is `any`, the first word of NAME."""

    def fault(self):
        return self.path.split('/')[2] if self.server.fault == 'any' else self.server.fault

    def blob(self, data):
        range_ = self.headers['Range']
        if range_ and self.fault() != 'no-range':
            start = int(range_.split('=')[1].split('-')[0])
            return self.answer(206, data[start:], [('Content-Range', 'bytes %d-%d/%d' % (start, len(data) - 1, len(data)))])
        self.answer(200, data)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.record()
        server, image, fault = self.server, self.server.image, self.fault()
        if self.path == '/v2/':
            return self.answer(200)
        if fault == 'elsewhere' and not self.headers['Authorization']:
            return self.error(401, 'UNAUTHORIZED', [('WWW-Authenticate', 'Basic realm="x"')])
        name = self.path.rsplit('/', 1)[1]
        if '/uploads/' in self.path:
            with server.lock: # what arrives still is waited for
                data = server.uploads.get(name)
            if data is None:
                return self.error(404, 'BLOB_UPLOAD_UNKNOWN')
            return self.answer(204, headers=[('Location', self.path), ('Range', '0-%d' % max(0, len(data) - 1))])
        if '/manifests/' in self.path:
            return self.manifest(name, image, fault)
        data = server.pushed.get(name) or image.blobs.get(name)
        if data is None:
            return self.error(404, 'BLOB_UNKNOWN')
        if name == image.layers[0]['digest'] and self.command == 'GET':
            return self.layer(data, fault)
        return self.blob(data)

    def manifest(self, name, image, fault):
        body, headers = image.manifest, [('Content-Type', image.media)]
        if name not in ('latest', digest(body)):
            return self.error(404, 'MANIFEST_UNKNOWN')
        if fault == 'manifest-digest':
            headers.append(('Docker-Content-Digest', digest(b'else')))
        elif fault == 'manifest-html':
            body = b'<html>Welcome to the airport</html>'
        elif fault == 'manifest-long':
            body = b'{"schemaVersion": 2, "x": "' + b'a' * 5000000 + b'"}'
        elif fault == 'manifest-schema1':
            body = b'{"schemaVersion": 1, "name": "x", "fsLayers": []}'
        elif fault == 'manifest-both':
            body = json.dumps({**{k: v for k, v in json.loads(body).items() if k != 'mediaType'}, 'manifests': []}).encode()
        elif fault == 'manifest-gzip':
            body = gzip.compress(body)
            headers.append(('Content-Encoding', 'gzip'))
        elif fault == 'manifest-endless':
            return self.endless()
        elif fault == 'headers-endless':
            self.send_response(200)
            try:
                for i in range(100000):
                    self.wfile.write(b'X-Filler: ' + b'a' * 1000 + b'\r\n')
            except OSError:
                pass
            self.close_connection = True
            return None
        elif fault == 'negative-size':
            document = json.loads(body)
            document['layers'][0]['size'] = -1
            body = json.dumps(document).encode()
        elif fault == 'path-digest':
            document = json.loads(body)
            document['layers'][0]['digest'] = 'sha256:../../../../etc/passwd'
            body = json.dumps(document).encode()
        elif fault == 'wrong-diff-id':
            return self.answer(200, self.server.wrong.manifest, headers)
        elif fault == '429':
            self.server.count += 1
            if self.server.count == 1: # the first time
                return self.error(429, 'TOOMANYREQUESTS', [('Retry-After', '1')])
        elif fault == '429-long':
            return self.error(429, 'TOOMANYREQUESTS', [('Retry-After', '4000')])
        elif fault == '503':
            self.server.count += 1
            if self.server.count <= 3:
                return self.error(503, 'UNAVAILABLE')
        return self.answer(200, body, headers)

    def endless(self):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b'a' * 65536)
        except OSError:
            return None

    def layer(self, data, fault):
        here = '127.0.0.1:%d' % self.server.server_port
        if fault == 'digest':
            return self.answer(200, data[:-1] + bytes([data[-1] ^ 1]))
        if fault == 'endless':
            return self.endless()
        if fault == 'length-more':
            return self.answer(200, data, length=len(data) + 10)
        if fault == 'length-less':
            return self.answer(200, data, length=len(data) - 10)
        if fault == 'gzip':
            return self.answer(200, gzip.compress(data), [('Content-Encoding', 'gzip')])
        if fault == 'loop':
            return self.answer(307, headers=[('Location', self.path)])
        if fault == 'file':
            return self.answer(307, headers=[('Location', 'file:///etc/passwd')])
        if fault == 'password':
            return self.answer(307, headers=[('Location', 'http://a:b@%s/x' % here)])
        if fault == 'range-other':
            if self.headers['Range']:
                return self.answer(206, data, [('Content-Range', 'bytes %d-%d/%d' % (len(data) // 2 + 1, len(data) - 1, len(data)))])
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(data) + data[:len(data) // 2])
            self.close_connection = True
            return None
        if fault in ('cut', 'no-range') and not self.headers['Range']: # 'no-range': asked for the rest, it gives all
            # Half of it, without a word on how long it is.
            self.wfile.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n' + data[:len(data) // 2])
            self.close_connection = True
            return None
        if fault == 'stall':
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(data) + data[:len(data) // 2])
            time.sleep(60)
            self.close_connection = True
            return None
        if fault == 'trickle':
            # One byte in each answer: there is progress, but no end.
            start = int((self.headers['Range'] or 'bytes=0-').split('=')[1].split('-')[0])
            self.wfile.write(b'HTTP/1.1 206 OK\r\nContent-Length: %d\r\nContent-Range: bytes %d-%d/%d\r\n\r\n' % (len(data) - start, start, len(data) - 1, len(data)) + data[start:start + 1])
            self.close_connection = True
            return None
        if fault == 'elsewhere':
            return self.answer(307, headers=[('Location', 'http://localhost:%d/cdn/%s' % (self.server.other, digest(data)))])
        return self.blob(data)

    # Uploads

    def do_POST(self):
        self.record()
        fault = self.fault()
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        if 'mount' in query and query['mount'][0] in self.server.pushed:
            return self.answer(201)
        name = 'upload%d' % len(self.server.uploads)
        self.server.uploads[name] = b''
        location = '/v2/x/uploads/' + name
        if fault == 'upload-elsewhere':
            location = 'http://localhost:%d/v2/x/uploads/%s' % (self.server.other, name)
        elif fault == 'upload-file':
            location = 'file:///etc/passwd'
        elif fault == 'upload-nowhere':
            return self.answer(202)
        return self.answer(202, headers=[('Location', location), ('Range', '0-0')])

    def take(self):
        """What of the body arrives, also if it is cut."""
        left, got = int(self.headers['Content-Length'] or 0), []
        while left:
            try:
                data = self.rfile.read1(min(left, 65536))
            except OSError:
                data = b''
            if not data:
                self.close_connection = True
                break
            got.append(data)
            left -= len(data)
        return b''.join(got), left == 0

    def do_PATCH(self):
        self.record()
        name = self.path.rsplit('/', 1)[1]
        start = int((self.headers['Content-Range'] or '0-').split('-')[0])
        with self.server.lock:
            if start != len(self.server.uploads[name]):
                return self.error(416, 'RANGE')
            data, whole = self.take()
            self.server.uploads[name] += data
        if whole:
            return self.answer(202, headers=[('Location', self.path), ('Range', '0-%d' % (len(self.server.uploads[name]) - 1))])
        return None

    def do_PUT(self):
        self.record()
        data, whole = self.take()
        url = urllib.parse.urlsplit(self.path)
        if not whole:
            return None
        if '/manifests/' in url.path:
            with open(self.server.log + '.manifest', 'wb') as out:
                out.write(data)
            return self.answer(201, headers=[('Docker-Content-Digest', digest(data))])
        data = self.server.uploads.pop(url.path.rsplit('/', 1)[1]) + data
        wanted = urllib.parse.parse_qs(url.query)['digest'][0]
        if wanted != digest(data):
            return self.error(400, 'DIGEST_INVALID')
        self.server.pushed[wanted] = data
        return self.answer(201)


class Elsewhere(Handler):
    """A content server that redirects lead to: it serves what the registry has, and records who asks, with what."""

    def do_GET(self):
        self.record()
        self.answer(200, self.server.image.blobs[self.path.rsplit('/', 1)[1]])


def hostile(portfile, log, fault, size):
    image = Image([6], size)
    wrong = Image([6], size)
    config = json.loads(wrong.blobs.pop(wrong.config['digest']))
    config['rootfs']['diff_ids'] = [digest(b'else')]
    wrong.config = wrong.add(json.dumps(config).encode(), wrong.config['mediaType'])
    wrong.manifest = json.dumps({**json.loads(wrong.manifest), 'config': wrong.config}).encode()
    image.blobs.update(wrong.blobs)
    other = ThreadingHTTPServer(('127.0.0.1', 0), Elsewhere)
    other.daemon_threads = True
    other.log = log + '.elsewhere'
    other.image = image
    open(other.log, 'w').close()
    threading.Thread(target=other.serve_forever, daemon=True).start()
    serve(Registry, portfile, log, image=image, wrong=wrong, fault=fault, uploads={}, pushed={}, count=0, lock=threading.Lock(), other=other.server_port)


def main(verb, *arguments):
    if verb == 'layout':
        make_layout(arguments[0], int(arguments[1]))
    elif verb == 'multi':
        make_multi(arguments[0])
    else:
        end_with_parent()
        if verb == 'proxy':
            portfile, log, target, down, up, times = arguments
            proxy(portfile, int(target), log, int(down), int(up), int(times))
        elif verb == 'token':
            serve(Front, arguments[0], arguments[1], target=int(arguments[2]))
        elif verb == 'oauth':
            serve(OAuthFront, arguments[0], arguments[1], target=int(arguments[2]))
        elif verb == 'hostile':
            hostile(arguments[0], arguments[1], arguments[2], int(arguments[3]))


main(*sys.argv[1:])
