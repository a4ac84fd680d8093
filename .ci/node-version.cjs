// Every npm script loads this file first. Otherwise, an older Node stops with a syntax error in some package.
const { engines } = require('../package.json');

const required = engines.node.replace('>=', '');
const [major, minor] = required.split('.').map(Number);
const [ourMajor, ourMinor] = process.versions.node.split('.').map(Number);
if (ourMajor < major || (ourMajor === major && ourMinor < minor)) {
  process.stderr.write(`This project needs Node.js ${required} or later, but this is ${process.versions.node}.\n`);
  process.exit(1);
}
