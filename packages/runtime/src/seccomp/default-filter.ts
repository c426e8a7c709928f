import type { Architecture } from '@ctr/linux'
import { defaultCapabilities } from '../security/capability.js'
import { defaultFilterCode } from './default-filter-code.js'

const ordinary = [...defaultCapabilities].sort().join()

/**
 * The default seccomp filter, compiled beforehand for the capabilities that nearly every container has: a cold
 * process would take some 10 ms to compile it.
 *
 * @param capabilities - Names of the bounding set.
 * @param kernel - Release of the kernel, as `os.release()` gives it.
 * @returns Undefined for other capabilities and for kernels before 4.8, where the profile is another one.
 */
export function defaultFilter(
  capabilities: readonly string[],
  architecture: Architecture,
  kernel: string,
): Uint8Array | undefined {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  if (major < 4 || (major === 4 && minor < 8)) return undefined
  if ([...capabilities].sort().join() !== ordinary) return undefined
  return new Uint8Array(Buffer.from(defaultFilterCode[architecture], 'base64'))
}
