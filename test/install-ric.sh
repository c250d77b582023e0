#!/bin/sh
# Installs AWS's own Runtime Interface Clients for Node and Python, which the
# slow tests of internal/lambda/environment run against our Runtime API. Both
# compile a native part, so this takes minutes once; tests skip without it.
#
#   test/install-ric.sh [FOLDER]      default /tmp/ric
#
# Needs node, npm, python3 and cmake g++ autoconf automake libtool make
# (Debian: apt-get install cmake g++ autoconf automake libtool make python3-venv).
set -eu
dir=${1:-/tmp/ric}
mkdir -p "$dir"
for tool in cmake g++ autoconf automake libtoolize make; do
	command -v "$tool" >/dev/null || { echo "install-ric: $tool is missing" >&2; exit 1; }
done
if [ ! -e "$dir/node_modules/aws-lambda-ric/dist/rapid-client.node" ]; then
	# Newer npm runs no install script unless it is allowed by package and version;
	# this one package's script is what builds its native part.
	echo '{"private": true, "allowScripts": {"aws-lambda-ric@3.3.0": true}}' >"$dir/package.json"
	(cd "$dir" && npm install --no-audit --no-fund aws-lambda-ric@3.3.0)
fi
if [ ! -x "$dir/venv/bin/python" ]; then
	python3 -m venv "$dir/venv"
fi
"$dir/venv/bin/python" -c 'import awslambdaric' 2>/dev/null ||
	"$dir/venv/bin/pip" install --quiet awslambdaric
