#!/usr/bin/env node
import { main } from './program.ts';
import { interruption } from './terminal/interruption.ts';

interruption.listen();
process.exitCode = await main(process.argv.slice(2), process);
