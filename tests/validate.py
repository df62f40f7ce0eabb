"""Does every line of the JSON Lines on standard input validate against the schema in the file argv[1]? Says which does not."""
import json
import sys

import jsonschema

with open(sys.argv[1]) as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
count = 0
for line in sys.stdin:
    count += 1
    for error in validator.iter_errors(json.loads(line)):
        sys.exit(f"line {count}: {line.strip()}\n{error.message} (at {error.json_path})")
print(count, "events")
