import type { ConfigCpuAffinity } from './config/config-process.js'
import type { Log } from './log.js'
import { cpuMask } from './process/cpu-list.js'

/**
 * Tells by which stages a process has come, once it has. The words are those of runc's debug log, for tools and tests
 * that look for them: `nsexec` is its name for what is done in new namespaces, `init` for what is done after that.
 *
 * @param last - The last stage.
 * @param affinity - CPUs that the process was given on its way.
 */
export function debugStart(log: Log, last: string, { initial = '' }: ConfigCpuAffinity = {}): void {
  log.debug('nsexec container setup')
  if (initial !== '') log.debug(`nsexec: affinity: ${cpuMask(initial)}`)
  log.debug('child process in init()')
  log.debug(last)
}
