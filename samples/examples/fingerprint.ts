import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { createHash } from 'node:crypto';

/** One line for a list: the name of a file and the beginning of its fingerprint. */
export async function describeFile(path: string): Promise<string> {
  const content = await readFile(path);
  const fingerprint = createHash('sha256').update(content).digest('hex');
  return `${basename(path)} ${fingerprint.slice(0, 12)}`;
}
