import time

time.sleep(3)
kept = []
while True:
    kept.append(b"x" * 10_000_000)
