import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import type { RunOptions } from '../options.js'
import { parseNetwork, type NetworkAttachment } from './network-option.js'
import type { ContainerRecord } from './record.js'
import type { NetworkMode } from './network-option.js'

/** The network that a container is to have. */
export interface ResolvedNetwork {
  readonly mode: NetworkMode
  /** Of the mode `'bridge'`: at least one. */
  readonly attachments: readonly NetworkAttachment[]
  /** Of the mode `'container'`: the one whose network it shares. */
  readonly container: ContainerRecord | undefined
}

/**
 * The network that a container is to have: what is asked for, else the best that the caller may have.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: not to be had here, with what to do about it;
 *   `ERR_RUNTIME_CONTAINER_NOT_FOUND`: the container whose network it shall share.
 */
export function networkOf(context: Context, options: RunOptions): ResolvedNetwork {
  const chosen = parseNetwork(options.network)
  if (context.rootless !== undefined) return { mode: userMode(context, chosen.mode, options), ...nothing }
  const { mode = 'bridge', attachments } = chosen
  if (mode === 'pasta' || mode === 'slirp4netns')
    throw invalid(`cannot use network ${mode}: it is for ordinary users; root has bridge`)
  if (mode === 'container')
    return { mode, attachments, container: sharedContainer(context, chosen.container ?? '', options) }
  if (mode !== 'bridge') return { mode, ...nothing }
  return {
    mode,
    attachments: attachments.length === 0 ? [{ name: 'bridge' }] : attachments,
    container: undefined,
  }
}

const nothing = { attachments: [], container: undefined }

function sharedContainer(context: Context, idOrName: string, { userNamespace }: RunOptions): ContainerRecord {
  const other = context.records.find(idOrName)
  if ((userNamespace ?? context.userNamespace) !== 'host')
    throw invalid('cannot use the network of another container together with a user namespace of its own')
  return other
}

function userMode(
  context: Context,
  network: NetworkMode | undefined,
  { publish = [] }: RunOptions,
): NetworkMode {
  if (network === 'bridge')
    throw invalid('cannot use network bridge: it needs root; leave it out, or use pasta, host or none')
  if (network === 'container') throw invalid('cannot use the network of another container: it needs root')
  if (network === 'none' || network === 'host') return network
  const { program, reason } = context.userNetwork
  if (program === undefined) {
    if (network !== undefined) throw invalid(`cannot use network ${network}: ${reason!}`)
    if (publish.length > 0) throw invalid(`cannot publish ports: ${reason!}`)
    return 'none'
  }
  if (network === undefined) return program
  if (network === 'pasta' && program !== 'pasta')
    throw invalid('cannot use network pasta: it is not installed; install passt')
  return network
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
