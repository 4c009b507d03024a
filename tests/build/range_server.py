#!/usr/bin/env python3
# Serves the current folder on 127.0.0.1, prints its port, and answers ranges, which Python's own server
# does not. The first answer to each path stops after BYTES, if given: a connection that is cut.
import http.server
import os
import sys

cut_after = int(sys.argv[1]) if len(sys.argv) > 1 else None
cut = set()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.lstrip('/')
        if not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, 'rb') as file:
            body = file.read()
        start = int(self.headers.get('Range', 'bytes=0-').split('=')[1].split('-')[0])
        self.send_response(206 if 'Range' in self.headers else 200)
        self.send_header('Content-Length', str(len(body) - start))
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(body) - 1}/{len(body)}')
        self.end_headers()
        short = cut_after is not None and path not in cut
        cut.add(path)
        self.wfile.write(body[start:start + cut_after] if short else body[start:])
        self.close_connection = True

    def log_message(self, form, *values):
        print(self.path, self.headers.get('Range'), file=sys.stderr)


server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
