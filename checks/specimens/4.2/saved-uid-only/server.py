import os

os.seteuid(10001)  # the saved uid stays 0, so that os.seteuid(0) works at any time

from gunicorn.app.wsgiapp import run

run()
