import type { ConfigValue, HostFacts } from './host-facts.js'

/** Whether something that containers need is there; a `module` is loaded when it is needed. */
export type Availability = 'there' | 'module' | 'missing' | 'unknown'

/** What a finding is about. */
export type FindingGroup = 'Namespaces' | 'Control groups' | 'File systems' | 'Network' | 'Security'

/** Something that containers need of a host, and whether it is there. */
export interface Finding {
  readonly group: FindingGroup
  readonly title: string
  readonly availability: Availability
  /** False: containers run without it, and something of them does not work. */
  readonly isNeeded: boolean
  /** What does not work where it is missing. */
  readonly consequence: string
  /** How to turn it on. */
  readonly remedy: string
  /** The words in which `docker info` warns of it where it is missing, as `No swap limit support`. */
  readonly warning: string | undefined
}

/** How something is found out. */
export interface Probe extends Omit<Finding, 'availability' | 'warning'> {
  readonly warning?: string
  readonly test: (host: HostFacts) => Availability
}

/** Whether a kernel option is set. `otherwise` is what silence of the configuration means. */
export function option(
  config: ReadonlyMap<string, ConfigValue>,
  name: string,
  otherwise: Availability = config.size === 0 ? 'unknown' : 'missing',
): Availability {
  switch (config.get(name)) {
    case 'y':
      return 'there'
    case 'm':
      return 'module'
    case 'n':
      return 'missing'
    case undefined:
      return otherwise
  }
}
