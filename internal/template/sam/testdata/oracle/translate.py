"""Prints what the SAM translator makes of a template, as JSON."""
import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

with open(sys.argv[1]) as f:
    template = yaml_parse(f.read())
session = boto3.session.Session(region_name="us-east-1")
out = Translator({}, Parser(), boto_session=session).translate(template, parameter_values={})
json.dump(out, sys.stdout)
