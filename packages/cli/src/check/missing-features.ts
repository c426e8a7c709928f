import type { Feature, HostFacts } from './feature.js'
import { features } from './features.js'

/** What this host lacks. What is a module, or cannot be known, does not count. */
export function missingFeatures(host: HostFacts): readonly Feature[] {
  return features.filter(({ test }) => test(host) === 'missing')
}
