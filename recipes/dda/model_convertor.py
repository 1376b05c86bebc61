#!/usr/bin/env python3
"""Has Vedette install the model of a DDA model component.

It stands where the model components of AWS' Defect Detection Application look for the program that
converts a model for Triton, and takes the arguments of that program. Nothing is converted: the package
is named to the runtime in its spool, and the last line that is printed is the runtime's answer.

Python 3.6 or later, standard library only.
"""

import argparse
import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# DDA gives the start of a model component 900 s.
WAIT_SECONDS = int(os.environ.get("VEDETTE_WAIT_SECONDS", "840"))
MAX_NAME = 64


def fail(message):
    print(message, flush=True)
    sys.exit(1)


def spool_folder():
    """Where the runtime reads requests, as the component that placed this program wrote it down."""
    try:
        with open(os.path.join(HERE, "vedette-spool"), encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        fail("%s: is Vedette deployed in LocalServer's place? %s" % (HERE, error))


def model_name_of(component):
    """A component's name as a model's: lower-case letters, digits and inner hyphens."""
    name = re.sub("[^a-z0-9]+", "-", component.lower()).strip("-")
    if not name or len(name) > MAX_NAME:
        fail("%s makes no model name of 1 to %d characters" % (component, MAX_NAME))
    return name


def model_version_of(version):
    """DDA's versions are N.0.0; a bare N means the same."""
    full = version + ".0.0" if re.match(r"^\d+$", version) else version
    if not re.match(r"^\d+\.\d+\.\d+$", full):
        fail("--model_version is %s, expected such as 3.0.0" % version)
    return full


def write_synced(path, text):
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".part", path)


def remove(path):
    try:
        os.remove(path)
    except FileNotFoundError:
        pass


def wait_for(condition, deadline, what):
    while not condition():
        if time.monotonic() > deadline:
            return fail("within %d s %s" % (WAIT_SECONDS, what))
        time.sleep(0.5)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unarchived_model_path", required=True)
    parser.add_argument("--model_version", required=True)
    parser.add_argument("--model_name", required=True)
    arguments, others = parser.parse_known_args()
    if others:
        print("ignored: %s" % " ".join(others), flush=True)
    component = arguments.model_name
    version = model_version_of(arguments.model_version)
    model = {"name": model_name_of(component), "version": version}
    package = os.path.abspath(arguments.unarchived_model_path)
    if not os.path.isfile(os.path.join(package, "manifest.json")):
        fail("%s holds no manifest.json: it is no DDA package" % package)

    spool = spool_folder()
    deadline = time.monotonic() + WAIT_SECONDS
    identity = "%s@%s.%d.%d" % (component, version, os.getpid(), int(time.time()))
    request = os.path.join(spool, "requests", identity + ".json")
    answer = os.path.join(spool, "answers", identity + ".json")
    wait_for(
        lambda: os.path.isdir(os.path.dirname(request)),
        deadline,
        "the runtime made no %s: is it running?" % os.path.dirname(request),
    )
    content = {
        "schemaVersion": 1,
        "id": identity,
        "action": "install",
        "component": component,
        "componentVersion": version,
        "model": model,
        "package": package,
    }
    try:
        write_synced(request, json.dumps(content) + "\n")
        wait_for(
            lambda: os.path.isfile(answer),
            deadline,
            "the runtime gave no answer: its log says what it does",
        )
    except OSError as error:
        fail("cannot ask the runtime: %s" % error)
    finally:
        if not os.path.isfile(answer):
            remove(request)
    with open(answer, encoding="utf-8") as file:
        said = json.load(file)
    if said["state"] != "ready":
        fail("%s: %s: %s" % (component, said["code"], said["message"]))
    print(
        "%s: %s. Use it with models.<name>.package: %s@%s"
        % (component, said["message"], model["name"], version),
        flush=True,
    )


main()
