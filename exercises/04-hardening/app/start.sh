# Starts the reading list; the Dockerfile's CMD runs this.
#
# TODO 2.1  Flask's development server says itself that it is not meant for production.
# TODO 4.2  Whoever starts this script is who the whole server runs as. The first line that it prints
#           tells you who that is.

echo "starting as $(whoami), uid $(id -u)"
exec python -m flask --app reading_list run --host 0.0.0.0 --port 8000
