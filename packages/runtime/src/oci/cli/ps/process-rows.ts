import { parsePsOptions } from './parse-ps-options.js'
import { readProcess } from './process-info.js'
import { readHost } from './process-table.js'

/** Processes as a table. */
export interface ProcessRows {
  readonly titles: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/**
 * Tells of processes as ps(1) does, from `/proc`.
 *
 * @param pids - Process ids on the host. Those that have ended are left out.
 * @param options - Options of ps(1). Default `-ef`.
 * @throws Error for options that are not known here.
 */
export function processRows(pids: readonly number[], options: readonly string[] = []): ProcessRows {
  const { columns } = parsePsOptions(options)
  const host = readHost()
  return {
    titles: columns.map(({ title }) => title),
    rows: pids.flatMap((pid) => {
      const process = readProcess(pid)
      return process === undefined ? [] : [columns.map(({ value }) => value(process, host))]
    }),
  }
}
