import { existsSync } from 'node:fs'
import {
  checkMemoryPolicy,
  checkRlimits,
  checkScheduler,
  procName,
  type NamespaceKind,
} from '@ctr/namespaces'
import type { Config } from './config/config.js'
import type { ConfigProcess } from './config/config-process.js'
import { invalidConfig } from './config/invalid-config.js'
import { asConfig, memoryPolicyOf } from './process/attributes.js'
import { checkIntelRdt } from './process/intel-rdt.js'
import { checkLabels } from './process/labels.js'
import { checkSeccompSupport } from '../seccomp/check-support.js'
import { checkSysctls } from './process/sysctl.js'
import { checkMounts } from '../setup/kernel-needs.js'

/**
 * Refuses what a config asks for and this host does not have, before anything is made.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`, `ERR_RUNTIME_LIMIT`: naming the field and what is missing;
 *   `ERR_RUNTIME_UNSUPPORTED`: a kernel that no container can be made on.
 */
export function checkHost({ linux = {}, process }: Config): void {
  checkMounts()
  for (const { type } of linux.namespaces ?? []) {
    if (knownKinds.has(type)) continue
    if (!existsSync(`/proc/self/ns/${procName[type]}`))
      throw invalidConfig(`linux.namespaces has ${type}, and this kernel has no such namespaces`)
    knownKinds.add(type)
  }
  checkSysctls(linux)
  const { memoryPolicy } = linux
  if (memoryPolicy !== undefined) {
    asConfig(() => {
      checkMemoryPolicy(memoryPolicyOf(memoryPolicy))
    })
  }
  if (linux.intelRdt !== undefined) checkIntelRdt(linux.intelRdt)
  if (linux.seccomp !== undefined) checkSeccompSupport(linux.seccomp)
  if (process !== undefined) checkProcess(process)
}

/** Kinds of namespaces that this kernel has: none goes away. */
const knownKinds = new Set<NamespaceKind>()

/** The same for a process that joins a container. */
export function checkProcess(process: ConfigProcess): void {
  checkLabels(process)
  asConfig(() => {
    checkRlimits(process.rlimits ?? [])
    if (process.scheduler !== undefined) checkScheduler(process.scheduler)
  })
}
