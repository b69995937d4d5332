// npm run soak [-- MINUTES [SEED]]: injects faults into the model process at random for some minutes (18 if nothing is said, after a warm-up of one or two),
// and prints what was done, and memory and handles before and after. Exit code 1 where a score was wrong, a process was left behind, or something grew.
import { spawnSync } from 'node:child_process';
import { installPackages, root, run } from './setUp.mjs';

const [minutes = '18', seed = '1'] = process.argv.slice(2);
if (!(Number(minutes) > 0) || !Number.isSafeInteger(Number(seed))) throw new Error('Usage: npm run soak [-- MINUTES [SEED]]');
installPackages();
run(process.execPath, ['esbuild.js', '--soak']);
process.exitCode = spawnSync(process.execPath, ['--expose-gc', 'out/soak.js', minutes, seed], { cwd: root, stdio: 'inherit' }).status ?? 1;
