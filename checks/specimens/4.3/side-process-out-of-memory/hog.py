import time

time.sleep(2)
kept = []
while True:
    kept.append(b"x" * 10_000_000)
