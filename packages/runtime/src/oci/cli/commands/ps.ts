import { command } from '../command.js'
import { oneOf } from '../globals.js'
import { print } from '../output/write.js'
import { parsePsOptions } from '../ps/parse-ps-options.js'
import { readProcess } from '../ps/process-info.js'
import { processTable, readHost } from '../ps/process-table.js'

export const ps = command({
  name: 'ps',
  summary: 'print the processes of a container',
  usage: 'CONTAINER [[--] PS-OPTION...]',
  description: `What follows CONTAINER are options of ps(1): -ef unless given, -e -x, aux, -o with names of columns.`,
  options: {
    format: {
      type: 'string',
      short: 'f',
      value: 'FORMAT',
      help: 'table (default), or json: the process ids on the host',
    },
  },
  arity: [1, Number.MAX_SAFE_INTEGER],
  rest: true,
  async run({ values, args: [id, ...rest], program }) {
    const { format = values.format ?? 'table', options } = formatBehind(rest)
    const form = oneOf('format option', format, ['table', 'json'])
    const wanted = parsePsOptions(options)
    const pids = (await program.open()).container(id!).processes()
    if (form === 'json') print(`${JSON.stringify(pids)}\n`)
    else
      print(
        processTable(
          pids.flatMap((pid) => readProcess(pid) ?? []),
          wanted,
          readHost(),
        ),
      )
    return 0
  },
})

/** Our own option behind the container, where it can be told from those of ps(1). */
function formatBehind(rest: readonly string[]): {
  readonly format?: string
  readonly options: readonly string[]
} {
  const [first, second] = rest
  if (first === '--') return { options: rest.slice(1) }
  if (first?.startsWith('--format=') === true) {
    return { format: first.slice('--format='.length), options: rest.slice(1) }
  }
  const isOurs = first === '--format' || (first === '-f' && (second === 'json' || second === 'table'))
  return isOurs && second !== undefined ? { format: second, options: rest.slice(2) } : { options: rest }
}
