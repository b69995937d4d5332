// Prints what the bundled model makes of the worked examples in samples/examples, in both arithmetics: for choosing texts, and for the sentences about
// them, which test/model/examples.test.ts holds to these numbers. dist/ has to be built.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const outfile = path.join(root, 'out/tools/exampleFigures.cjs');

process.chdir(root);
mkdirSync(path.dirname(outfile), { recursive: true });
await build({ bundle: true, platform: 'node', format: 'cjs', target: 'node20', entryPoints: ['test/model/exampleFigures.ts'], outfile });
/** @type {unknown} */
const built = createRequire(pathToFileURL(root))(outfile);
const { printFigures } = /** @type {typeof import('../test/model/exampleFigures')} */ (built);
await printFigures(line => process.stdout.write(`${line}\n`));
