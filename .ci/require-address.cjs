// Ends with an error unless package.json says where the project lives. Without `repository`, npm cannot attest where a package
// was built, and its users find neither the sources nor a place to report a vulnerability.
const { readFileSync } = require('node:fs');

const { repository, bugs } = JSON.parse(readFileSync('package.json', 'utf8'));
if (repository === undefined || bugs === undefined) {
  process.stderr.write('Cannot publish: package.json has no repository or no bugs. Add both addresses.\n');
  process.exitCode = 1;
}
