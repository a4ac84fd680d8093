#!/usr/bin/env node
import { main } from './program.ts';
import { interruption } from './terminal/interruption.ts';

interruption.listen();
// The reader of the result may stop reading, as `head` does.
process.stdout.on('error', () => process.exit());
process.exitCode = await main(process.argv.slice(2), process);
