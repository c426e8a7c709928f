import { release } from 'node:os'
import type { CgroupMode } from '../host/hierarchy.js'
import type { Finding } from './finding.js'
import type { HostFacts } from './host-facts.js'
import { cgroupProbes } from './probes-cgroups.js'
import { otherProbes } from './probes-others.js'
import { readHost } from './read-host.js'

/** What a host has and lacks for running containers. */
export interface HostCheck {
  /** Release of the kernel. */
  readonly kernel: string
  /** File that the kernel's configuration was read from; `undefined`: there is none, and some findings are `unknown`. */
  readonly configSource: string | undefined
  /** How control groups are mounted; `undefined` when none are. */
  readonly cgroupMode: CgroupMode | undefined
  /** Controllers that are mounted, and the version of their interface. */
  readonly controllers: ReadonlyMap<string, 1 | 2>
  /** True when nothing that is needed is missing. */
  readonly isUsable: boolean
  /** Everything that was asked, whether it is there or not. */
  readonly findings: readonly Finding[]
}

/**
 * Finds out what this host has for containers: hierarchies and controllers with their versions, swap accounting, and
 * the kernel's options for namespaces, file systems, network and seccomp, each with what does not work without it and
 * how to turn it on. Reads `/proc`, `/sys`, and the kernel's configuration (`/proc/config.gz`, `/boot`, `/lib/modules`);
 * changes nothing, and never throws for what a host lacks. A few milliseconds.
 *
 * @example
 * for (const { title, availability, consequence, remedy } of checkHost().findings)
 *   if (availability === 'missing') console.log(`${title}: ${consequence}; to mend it: ${remedy}`)
 */
export function checkHost(): HostCheck {
  const host = readHost()
  const findings = findingsOf(host)
  return {
    kernel: release(),
    configSource: host.configSource,
    cgroupMode: host.cgroupMode,
    controllers: host.controllers,
    isUsable: findings.every(({ isNeeded, availability }) => !isNeeded || availability !== 'missing'),
    findings,
  }
}

/** What facts come to. Pure. */
export function findingsOf(host: HostFacts): Finding[] {
  const findings = [...cgroupProbes, ...otherProbes].map(({ test, warning, ...probe }) => ({
    ...probe,
    warning,
    availability: test(host),
  }))
  const order = ['Namespaces', 'Control groups', 'File systems', 'Network', 'Security']
  return findings.sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group))
}
