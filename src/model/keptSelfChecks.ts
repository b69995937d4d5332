import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SelfCheck } from './protocol';

/** Of the embedded model. */
export const embeddedHash = 'ddae3a3e19e22135526cb385710af184dc338005f20932cc67360957e6f0aca8';

/** Results that come with the program, by content hash. */
const shipped: ReadonlyMap<string, SelfCheck> = new Map([
  [
    embeddedHash, // SmolLM2-135M-Instruct, q8
    {
      bitsPerByte: 0.889,
      plausible: true,
      usualBitsPerByte: { prose: 1.064, code: 0.541 },
      noiseFloorBits: { mean: 0.074, p95: 0.226 },
      repeatabilityBits: 0,
    },
  ],
]);

/** Another version of the built-in texts would give other numbers: it goes into the name. */
function fileOf(cacheFolder: string, contentHash: string): string {
  return path.join(cacheFolder, `self-check-2-${contentHash}.json`);
}

/** The result for a model by its content hash, without loading it; undefined: it has not been checked on this machine. */
export async function keptSelfCheck(cacheFolder: string | undefined, contentHash: string): Promise<SelfCheck | undefined> {
  const known = shipped.get(contentHash);
  if (known) return known;
  if (cacheFolder === undefined) return undefined;
  try {
    return asSelfCheck(JSON.parse(await readFile(fileOf(cacheFolder, contentHash), 'utf8')));
  } catch {
    return undefined; // not there, or broken off: it is measured again
  }
}

function asSelfCheck(value: unknown): SelfCheck | undefined {
  const { bitsPerByte, plausible, usualBitsPerByte, noiseFloorBits, repeatabilityBits } = value as Partial<SelfCheck>;
  const usualIsRight = typeof usualBitsPerByte?.prose === 'number' && typeof usualBitsPerByte.code === 'number';
  const floorIsRight = noiseFloorBits === null || (typeof noiseFloorBits?.mean === 'number' && typeof noiseFloorBits.p95 === 'number');
  if (typeof bitsPerByte !== 'number' || typeof plausible !== 'boolean' || typeof repeatabilityBits !== 'number') return undefined;
  return usualIsRight && floorIsRight ? { bitsPerByte, plausible, usualBitsPerByte, noiseFloorBits, repeatabilityBits } : undefined;
}

/** A folder that cannot be written to costs the time of another check, no more. */
export async function keepSelfCheck(cacheFolder: string, contentHash: string, result: SelfCheck): Promise<void> {
  const file = fileOf(cacheFolder, contentHash);
  const half = `${file}.${String(process.pid)}`;
  try {
    await mkdir(cacheFolder, { recursive: true });
    await writeFile(half, JSON.stringify(result));
    await rename(half, file);
  } catch {
    await rm(half, { force: true }).catch(() => undefined);
  }
}

/** Of a model that is gone from this machine. */
export async function forgetSelfCheck(cacheFolder: string, contentHash: string): Promise<void> {
  await rm(fileOf(cacheFolder, contentHash), { force: true }).catch(() => undefined);
}
