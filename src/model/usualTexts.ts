/**
 * Ordinary texts, by which a model's usual level is measured: what it needs for a byte of English prose and of code. ASCII only, so that
 * bits per byte are bits per character. Another version of them gives other numbers: results are kept under a name that counts versions.
 */

export const usualProse = `The library on Mill Street had been closed for two years when the town decided to open it again. Nobody had a clear
plan, but a few people offered to help, and one Saturday in March they met at the front door with brooms, paint and a borrowed ladder. The
roof had leaked over the children's section, so most of the picture books had to be thrown away. The history shelves were dry. Somebody
found a box of old photographs behind the counter, and for half an hour no work was done at all, because everyone wanted to see whose
grandmother was standing in front of the bakery.

By the end of the day the windows were clean and the front room smelled of fresh paint. Mrs Allen, who had worked there for most of her
life, walked slowly along the rows and put her hand on the backs of the books as if she were counting them. She said that people often
think of a library as a quiet place, but that what she remembered best was the noise: the heating, the rain, children arguing about who
could sit by the window, and the old man who read the newspaper to himself under his breath.

The new opening hours are short, because there is only enough money for one person and she also has to look after the archive. Still, it
is a beginning. Last week more than sixty people came in on a single afternoon, and many of them stayed until the lights were turned off.
Some had come to use the computers, others because it was warm. A boy of about nine asked whether it was true that he could take five
books home without paying anything. When he was told that it was, he looked around the room for a moment, as though there had to be a
trick, and then he went to find his sister.
`;

export const usualCode = `import { readFile } from 'node:fs/promises';

export interface Reading {
  station: string;
  time: Date;
  temperature: number;
}

/** Reads one line of a log file, for example "north,2024-03-01T12:00:00Z,14.5". */
export function parseLine(line: string): Reading | undefined {
  const [station, time, temperature] = line.split(',');
  if (!station || !time || !temperature) {
    return undefined;
  }
  const value = Number(temperature);
  if (Number.isNaN(value)) {
    return undefined;
  }
  return { station, time: new Date(time), temperature: value };
}

export async function readReadings(path: string): Promise<Reading[]> {
  const text = await readFile(path, 'utf8');
  const readings: Reading[] = [];
  for (const line of text.split('\\n')) {
    const reading = parseLine(line.trim());
    if (reading) {
      readings.push(reading);
    }
  }
  return readings;
}

def group_by_station(readings):
    """Return a dictionary that maps each station to its readings."""
    groups = {}
    for reading in readings:
        groups.setdefault(reading["station"], []).append(reading)
    return groups


def averages(readings):
    result = {}
    for station, group in group_by_station(readings).items():
        total = sum(reading["temperature"] for reading in group)
        result[station] = total / len(group)
    return result


class Thermometer:
    def __init__(self, station, offset=0.0):
        self.station = station
        self.offset = offset
        self.values = []

    def add(self, value):
        if value is None:
            raise ValueError("value must not be None")
        self.values.append(value + self.offset)

    def latest(self):
        return self.values[-1] if self.values else None
`;
