import { neutralSampling, samplingRules, type SamplingRule } from '../src/core/sampling';
import { futureChoicesFrom, type FutureChoices } from './futureChoices';

/** What a reader has chosen in the page, kept while the page is hidden or the editor starts anew. */
export interface Choices {
  scrollY: number;
  scale: 'linear' | 'log';
  cumulative: boolean;
  samplerOpen: boolean;
  exampleOpen: boolean;
  sampling: Readonly<Record<SamplingRule, number>>;
  /** Typed into the search box. */
  search: string;
  /** Of what is drawn. */
  seed: number;
  futures: FutureChoices;
}

/** `saved`: whatever was kept, by this version or another. */
export function choicesFrom(saved: unknown): Choices {
  const of = (name: string): unknown => fieldOf(saved, name);
  const search = of('search');
  const scrollY = of('scrollY');
  const sampling = { ...neutralSampling };
  for (const rule of samplingRules) {
    const value = fieldOf(of('sampling'), rule);
    if (typeof value === 'number' && isSetting(rule, value)) sampling[rule] = value;
  }
  return {
    scrollY: typeof scrollY === 'number' ? scrollY : 0,
    scale: of('scale') === 'log' ? 'log' : 'linear',
    cumulative: of('cumulative') === true,
    samplerOpen: of('samplerOpen') === true,
    exampleOpen: of('exampleOpen') === true,
    sampling,
    search: typeof search === 'string' ? search : '',
    seed: isSeed(of('seed')) ? Number(of('seed')) : 0,
    futures: futureChoicesFrom(of('futures')),
  };
}

/** Whole numbers from 0 on. */
export function isSeed(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The rule may have this value. */
export function isSetting(rule: SamplingRule, value: number): boolean {
  switch (rule) {
    case 'temperature':
      return value >= 0 && value <= 100;
    case 'topK':
      return Number.isSafeInteger(value) && value >= 0;
    case 'topP':
    case 'minP':
      return value >= 0 && value <= 1;
    case 'typical':
      return value > 0 && value <= 1;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
