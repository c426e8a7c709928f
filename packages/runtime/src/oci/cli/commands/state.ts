import { command } from '../command.js'
import { describeState } from '../output/describe-state.js'
import { print } from '../output/write.js'

export const state = command({
  name: 'state',
  summary: 'print the state of a container',
  usage: 'CONTAINER',
  description: 'As JSON, with the fields of the specification and some more.',
  options: {},
  arity: [1, 1],
  async run({ args: [id], program }) {
    const runtime = await program.open()
    print(`${JSON.stringify(describeState(runtime.container(id!)), undefined, 2)}\n`)
    return 0
  },
})
