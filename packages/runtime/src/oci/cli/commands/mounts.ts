import { readFileSync } from 'node:fs'
import { parseMounts } from '../../config/parse-config.js'
import { command } from '../command.js'
import { oneOf } from '../globals.js'

const STDIN = 0

export const mounts = command({
  name: 'mounts',
  summary: 'mount something in a running container, or take it away',
  usage: '[add|remove] CONTAINER FILE',
  description: `FILE is a JSON list as mounts of a config.json, - reads it from standard input. To remove, only the destinations
count.`,
  options: {},
  arity: [3, 3],
  async run({ args: [text, id, file], program }) {
    const action = oneOf('action', text!, ['add', 'remove'])
    const list = parseMounts(readFileSync(file === '-' ? STDIN : file!, 'utf8'), (message) => {
      program.log.warn(message)
    })
    const container = (await program.open()).container(id!)
    if (action === 'add') await container.addMounts(list)
    else await container.removeMounts(list.map(({ destination }) => destination))
    return 0
  },
})
