import type { RunOptions } from '../options.js'

/** Limits of a container. What is not set stays as it is while it runs, and has no limit from its next start on. */
export interface ContainerLimits extends Pick<
  RunOptions,
  'memory' | 'cpus' | 'cpuShares' | 'cpusetCpus' | 'resources'
> {
  /** Memory and swap together in bytes; `'max'` for as much swap as the host gives, at once. */
  readonly memorySwap?: number | 'max' | undefined
  /** Most processes and threads; `'max'` for no limit, at once. */
  readonly pids?: number | 'max' | undefined
}
