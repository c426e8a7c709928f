import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import type { RunOptions } from '../options.js'
import type { NetworkMode } from './record.js'

/**
 * The network that a container is to have: what is asked for, else the best that the caller may have.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: not to be had here, with what to do about it.
 */
export function networkOf(context: Context, { network, publish = [] }: RunOptions): NetworkMode {
  if (context.rootless === undefined) {
    if (network === 'pasta' || network === 'slirp4netns')
      throw invalid(`cannot use network ${network}: it is for ordinary users; root has bridge`)
    return network ?? 'bridge'
  }
  if (network === 'bridge')
    throw invalid('cannot use network bridge: it needs root; leave it out, or use pasta, host or none')
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
