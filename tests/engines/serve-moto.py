"""
Serves moto on a port of 127.0.0.1, one request at a time.

moto's own server runs requests in threads, and its UpdateItem reads, changes and writes an item without a lock, so that
increments made at the same time are lost. Here a lock stands around all that moto does. There are threads all the same:
with a single one, werkzeug closes the connection after each request.
"""

import logging
import sys
from threading import Lock

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, run_simple

# Of 128 connections that wait by default, those of a test that opens 512 at once do not all find a place.
BaseWSGIServer.request_queue_size = 1024
# A line for each request would take a good part of the time.
logging.getLogger("werkzeug").setLevel(logging.WARNING)

moto = DomainDispatcherApplication(create_backend_app)
lock = Lock()


def one_at_a_time(environ, start_response):
    with lock:
        return moto(environ, start_response)


run_simple("127.0.0.1", int(sys.argv[1]), one_at_a_time, threaded=True, request_handler=MotoRequestHandler)
