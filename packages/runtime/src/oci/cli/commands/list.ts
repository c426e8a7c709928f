import type { OciContainer } from '../../container.js'
import { command, type Program } from '../command.js'
import { oneOf } from '../globals.js'
import { messageOf } from '../message-of.js'
import { describeState, type DescribedState } from '../output/describe-state.js'
import { table } from '../output/table.js'
import { print } from '../output/write.js'

export const list = command({
  name: 'list',
  summary: 'print all containers of a root folder',
  usage: '',
  description: 'The global option --root says which folder.',
  options: {
    format: { type: 'string', short: 'f', value: 'FORMAT', help: 'table (default) or json' },
    quiet: { type: 'boolean', short: 'q', help: 'print ids only' },
  },
  arity: [0, 0],
  async run({ values: { format = 'table', quiet = false }, program }) {
    const form = oneOf('format option', format, ['table', 'json'])
    const containers = (await program.open()).list()
    if (quiet) {
      print(containers.map(({ id }) => `${id}\n`).join(''))
      return 0
    }
    const states = containers.flatMap((container) => tryDescribe(container, program))
    print(form === 'json' ? `${JSON.stringify(states)}\n` : listTable(states))
    return 0
  },
})

/** One that cannot be described, because it is damaged or has just been removed, does not hide the others. */
function tryDescribe(container: OciContainer, { log }: Program): readonly DescribedState[] {
  try {
    return [describeState(container)]
  } catch (error) {
    log.warn(`cannot list container ${container.id}: ${messageOf(error)}`)
    return []
  }
}

/** Containers as rows below a line of titles. */
export function listTable(states: readonly DescribedState[]): string {
  return table([
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
    ...states.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      `${pid}`,
      status,
      bundle,
      created,
      owner,
    ]),
  ])
}
