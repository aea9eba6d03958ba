from flask import request


def record(response):
    with open("/app/logs/audit.log", "a") as log:
        print(request.path, response.status_code, file=log)
    return response
