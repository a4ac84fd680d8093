import { configOf, SUITES } from '../suites.ts';

export default configOf(SUITES.package);
