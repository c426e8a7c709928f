import { NetbridgeError } from '../errors.js'
import { checkDeviceName } from '../validate.js'
import type { CachedAttachment } from './attachment-cache.js'
import { isJsonObject, type JsonObject } from './json.js'
import { isCniName, type CniNetwork, type CniPluginConfig } from './network-config.js'
import type { CniResult } from './result.js'

/** A container's interface on a network. */
export interface CniAttachment {
  /** Letters, digits, `_`, `.` and `-`. */
  readonly containerId: string
  /** Path of the network namespace, as `/run/netns/NAME`, `/proc/PID/ns/net`, or `/proc/PID/fd/FD` for a descriptor. */
  readonly netns: string
  /** Name of the interface inside. Default `'eth0'`. */
  readonly ifname?: string | undefined
  /** `CNI_ARGS`. */
  readonly args?: Readonly<Record<string, string>> | undefined
  /**
   * What the runtime wants by convention, such as `portMappings`, `ips`, `mac`, `bandwidth`. Only plugins whose
   * configuration says that they have the capability are told.
   */
  readonly capabilities?: JsonObject | undefined
}

/** Checks what a caller gave, before a file or a program sees it. */
export function checked(
  network: CniNetwork,
  {
    containerId,
    netns,
    ifname = 'eth0',
    args = {},
    capabilities = {},
  }: Omit<CniAttachment, 'netns'> & { readonly netns?: string | undefined },
): CachedAttachment {
  const refuse = (what: string, value: unknown, should: string): never => {
    const message = `cannot use ${JSON.stringify(value)} as ${what}: it must be ${should}`
    throw new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', message)
  }
  if (!isCniName(containerId)) return refuse('containerId', containerId, 'letters, digits, "_", "." and "-"')
  for (const entry of Object.entries(args)) {
    if (entry.some((text) => /[;=\0]/.test(text)))
      return refuse('args', entry.join('='), 'without ";" and "="')
  }
  if (netns?.includes('\0') === true) return refuse('netns', netns, 'a path')
  return {
    network,
    containerId,
    netns,
    ifname: checkDeviceName('ifname', ifname),
    args,
    capabilities,
    result: undefined,
  }
}

/** What an attachment is in the environment of plugins. */
export function environmentOf({
  containerId,
  netns,
  ifname,
  args,
}: CachedAttachment): Record<string, string> {
  return {
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns ?? '',
    CNI_IFNAME: ifname,
    CNI_ARGS: Object.entries(args)
      .map(([name, value]) => `${name}=${value}`)
      .join(';'),
  }
}

/** What every plugin is told about its network: all that the configuration says, but for what is meant for runtimes. */
export function baseOf(plugin: CniPluginConfig, { name, cniVersion }: CniNetwork): JsonObject {
  const passed = Object.entries(plugin).filter(([key]) => !key.startsWith('cni.dev/'))
  return { ...Object.fromEntries(passed), name, cniVersion }
}

/** The same for one attachment, with what its caller wants of the capabilities that the plugin has. */
export function requestOf(
  plugin: CniPluginConfig,
  attachment: CachedAttachment,
  previous: CniResult | undefined,
): JsonObject {
  const { capabilities: offered, ...base } = baseOf(plugin, attachment.network)
  const wanted = Object.entries(attachment.capabilities).filter(
    ([capability]) => isJsonObject(offered) && offered[capability] === true,
  )
  return {
    ...base,
    ...(wanted.length === 0 ? {} : { runtimeConfig: Object.fromEntries(wanted) }),
    ...(previous === undefined ? {} : { prevResult: previous }),
  }
}
