import { writeSync } from 'node:fs'
import { AddressPool } from '../../src/address/address-pool.js'
import { checkPlan } from '../../src/address/plan.js'

// Allocates addresses until it is killed, or as many as it is told, and says each of them.
const [folder = '', subnet = '', owner = '', count = 'Infinity'] = process.argv.slice(2)
const pool = new AddressPool(folder, checkPlan({ subnet }))
for (let number = 0; number < Number(count); number++) writeSync(1, `${pool.allocate(`${owner}${number}`)}\n`)
pool.close()
