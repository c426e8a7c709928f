import { readdirSync, readFileSync } from 'node:fs'
import type {
  SeccompAction,
  SeccompArchitecture,
  SeccompFlag,
  SeccompOperator,
} from '../../seccomp/profile.js'
import { allCapabilities, type Capability } from '../../security/capability.js'
import type {
  ConfigHooks,
  ConfigMemoryPolicyFlag,
  ConfigMemoryPolicyMode,
  ConfigNamespaceType,
} from './config.js'
import { OCI_VERSION } from './default-config.js'
import { hookNames, memoryPolicyFlags, memoryPolicyModes, namespaceTypes } from './linux-names.js'
import { knownMountOptions } from './mount-options.js'
import { seccompArchitectures, seccompFlags, seccompOperators } from './seccomp-names.js'
import { seccompSupport } from './seccomp-support.js'

interface Enabled {
  readonly enabled: boolean
}

/**
 * What the runtime can do, in the form of the specification's features structure.
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/v1.3.0/features.md}
 */
export interface Features {
  readonly ociVersionMin: string
  readonly ociVersionMax: string
  readonly hooks: readonly (keyof ConfigHooks)[]
  readonly mountOptions: readonly string[]
  readonly linux: {
    readonly namespaces: readonly ConfigNamespaceType[]
    readonly capabilities: readonly Capability[]
    readonly cgroup: Readonly<Record<'v1' | 'v2' | 'systemd' | 'systemdUser' | 'rdma', boolean>>
    readonly seccomp: Enabled & {
      readonly actions: readonly SeccompAction[]
      readonly operators: readonly SeccompOperator[]
      readonly archs: readonly SeccompArchitecture[]
      readonly knownFlags: readonly SeccompFlag[]
      readonly supportedFlags: readonly SeccompFlag[]
    }
    readonly apparmor: Enabled
    readonly selinux: Enabled
    readonly intelRdt: Enabled & { readonly schemata: boolean; readonly monitoring: boolean }
    readonly memoryPolicy: {
      readonly modes: readonly ConfigMemoryPolicyMode[]
      readonly flags: readonly ConfigMemoryPolicyFlag[]
    }
    readonly mountExtensions: { readonly idmap: Enabled }
    readonly netDevices: Enabled
  }
  readonly annotations: Readonly<Record<string, string>>
  readonly potentiallyUnsafeConfigAnnotations: readonly string[]
}

/** Settings of {@link features}. */
export interface FeaturesOptions {
  /** Version of the runtime. */
  readonly version: string
}

const unlikeType: Readonly<Record<string, ConfigNamespaceType>> = { mnt: 'mount', net: 'network' }

/**
 * Tells what the runtime does, and on this kernel can do. The specification wants most of it told whether or not the
 * host has it; namespaces, capabilities, and actions and flags of seccomp filters are those of this kernel.
 *
 * @throws Error of node:fs: `/proc` is not mounted.
 */
export function features({ version }: FeaturesOptions): Features {
  const seccomp = seccompSupport()
  const kinds = readdirSync('/proc/self/ns').map((kind) => unlikeType[kind] ?? kind)
  const lastCapability = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'))
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: OCI_VERSION,
    hooks: hookNames,
    mountOptions: knownMountOptions(),
    linux: {
      namespaces: namespaceTypes.filter((type) => kinds.includes(type)),
      capabilities: allCapabilities.slice(0, lastCapability + 1),
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: seccomp.actions.length > 0,
        actions: seccomp.actions,
        operators: seccompOperators,
        archs: seccompArchitectures,
        knownFlags: seccompFlags,
        supportedFlags: seccomp.flags,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: memoryPolicyModes, flags: memoryPolicyFlags },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: { 'dev.ctr.version': version, 'org.opencontainers.runc.checkpoint.enabled': 'true' },
    potentiallyUnsafeConfigAnnotations: ['org.systemd.property.', 'org.criu.config', 'run.oci.'],
  }
}
