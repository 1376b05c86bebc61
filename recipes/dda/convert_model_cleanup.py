#!/usr/bin/env python3
"""Takes back what a DDA model component still asks Vedette for.

It stands where the model components of AWS' Defect Detection Application look for the program that
removes a model when they stop. A component also stops to be started again, and its model goes on
meanwhile: Vedette removes it by itself when the component's files are gone and no configuration names it.

Python 3.6 or later, standard library only.
"""

import argparse
import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model_name", required=True)
    arguments, _ = parser.parse_known_args()
    component = arguments.model_name
    try:
        with open(os.path.join(HERE, "vedette-spool"), encoding="utf-8") as file:
            spool = file.read().strip()
    except OSError as error:
        print("nothing to take back: %s" % error, flush=True)
        sys.exit(0)
    for request in glob.glob(os.path.join(spool, "requests", glob.escape(component) + "@*.json")):
        try:
            os.remove(request)
        except FileNotFoundError:
            pass
    print("%s stopped; its model stays until the component is removed" % component, flush=True)


main()
