import { command } from '../command.js'

export const start = command({
  name: 'start',
  summary: 'start the program of a created container',
  usage: 'CONTAINER',
  description: `With NOTIFY_SOCKET in the environment it stays until the container says that it is ready, or ends. The container must
have been created with it.`,
  options: {},
  arity: [1, 1],
  async run({ args: [id], program }) {
    const runtime = await program.open()
    const { ready } = await runtime.container(id!).start({ notifySocket: process.env['NOTIFY_SOCKET'] })
    await ready
    return 0
  },
})
