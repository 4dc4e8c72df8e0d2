import { chmod, lstat, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFile, removeLeftovers, replaceFile } from '../../../bridge/vault/atomic-replace.ts'
import { retryWhileHeld } from '../../../bridge/vault/disk.ts'
import { DiskError, FragileDisk } from './support/fragile-disk.ts'
import type { Fault } from './support/fragile-disk.ts'
import { rejection, temporaryFolder } from './support/surroundings.ts'

const file = '/home/vault'
const bytes = Buffer.from('the new content')
const old = { [file]: 'the old content' }

async function stepsOf(action: (disk: FragileDisk) => Promise<unknown>, files = {}): Promise<number> {
  const disk = new FragileDisk(files)
  await action(disk)
  return disk.steps
}

const replace = (disk: FragileDisk) => replaceFile(file, bytes, disk)
const create = (disk: FragileDisk) => createFile(file, bytes, disk)

/** Every fault of this kind at every step of an action. */
async function faults(is: Fault['is'], action: typeof replace | typeof create, files = {}): Promise<Fault[]> {
  const steps = await stepsOf(action, files)
  expect(steps).toBeGreaterThan(5)
  return Array.from({ length: steps }, (_, step) => ({ step, is }))
}

describe('the replacement of a file', () => {
  it.each(['cut-before', 'cut-after'] as const)(
    'leaves the old or the new content, whole, when the power is %s any step',
    async (is) => {
      for (const fault of await faults(is, replace, old)) {
        const disk = new FragileDisk(old, fault)
        await rejection(replace(disk))
        for (const world of disk.afterPowerCut()) {
          expect(['the old content', 'the new content']).toContain(world[file])
        }
      }
    },
  )

  it('is durable when it resolves', async () => {
    const disk = new FragileDisk(old)
    await replace(disk)
    expect(disk.afterPowerCut()).toEqual([{ [file]: 'the new content' }])
  })

  it('leaves the old content and no temporary file when a step fails', async () => {
    for (const fault of await faults('error', replace, old)) {
      const disk = new FragileDisk(old, fault)
      expect(await rejection(replace(disk))).toMatchObject({ code: 'EIO' })
      const { [file]: content, ...others } = disk.now()
      expect(others).toEqual({})
      const isLastStep = fault.step === (await stepsOf(replace, old)) - 1
      expect(content).toBe(isLastStep ? 'the new content' : 'the old content')
    }
  })

  it('makes a file that nobody else can read, also in place of one that others could', async () => {
    const real = join(await temporaryFolder(), 'vault')
    await writeFile(real, 'old', { mode: 0o644 })
    await chmod(real, 0o644)
    await replaceFile(real, bytes)
    expect((await stat(real)).mode & 0o777).toBe(0o600)
    expect(await readFile(real)).toEqual(bytes)
  })

  it('puts nothing into what a link points at', async () => {
    const folder = await temporaryFolder()
    const target = join(folder, 'target')
    await writeFile(target, 'untouched')
    await symlink(target, join(folder, 'vault'))
    await replaceFile(join(folder, 'vault'), bytes)
    expect(await readFile(target, 'utf8')).toBe('untouched')
    expect((await lstat(join(folder, 'vault'))).isSymbolicLink()).toBe(false)
  })
})

describe('the making of a new file', () => {
  it.each(['cut-before', 'cut-after'] as const)(
    'leaves no file or a whole one when the power is %s any step',
    async (is) => {
      for (const fault of await faults(is, create)) {
        const disk = new FragileDisk({}, fault)
        await rejection(create(disk))
        for (const world of disk.afterPowerCut()) {
          expect([undefined, 'the new content']).toContain(world[file])
        }
      }
    },
  )

  it('is durable when it resolves', async () => {
    const disk = new FragileDisk({})
    expect(await create(disk)).toBe(true)
    expect(disk.afterPowerCut()).toEqual([{ [file]: 'the new content' }])
  })

  it('leaves a file of this name as it is, and says so', async () => {
    const disk = new FragileDisk(old)
    expect(await create(disk)).toBe(false)
    expect(disk.now()).toEqual(old)
  })

  it('lets one of many makers win', async () => {
    const folder = await temporaryFolder()
    const makers = Array.from({ length: 20 }, (_, n) => createFile(join(folder, 'key'), Buffer.from(`${n}`)))
    const made = await Promise.all(makers)
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(await readFile(join(folder, 'key'), 'utf8')).toBe(`${made.indexOf(true)}`)
    expect(await readdir(folder)).toEqual(['key'])
  })
})

describe('what a crash leaves beside a file', () => {
  it('is removed, and nothing else', async () => {
    const folder = await temporaryFolder()
    const others = ['vault', 'vault.tmp-notes', 'vault.torn-20260101T000000Z', 'other.tmp-0123456789abcdef']
    for (const name of others) await writeFile(join(folder, name), '')
    await writeFile(join(folder, 'vault.tmp-0123456789abcdef'), '')
    await mkdir(join(folder, 'elsewhere'))
    await symlink(join(folder, 'elsewhere'), join(folder, 'vault.tmp-fedcba9876543210'))
    expect(await removeLeftovers(join(folder, 'vault'))).toBe(2)
    expect(new Set(await readdir(folder))).toEqual(new Set([...others, 'elsewhere']))
  })
})

describe('a step that another program holds up (Windows)', () => {
  it.each(['EPERM', 'EACCES', 'EBUSY'])('is tried again after %s', async (code) => {
    let tries = 0
    await retryWhileHeld(async () => {
      tries += 1
      if (tries < 3) throw new DiskError(code)
    }, [0, 0, 0])
    expect(tries).toBe(3)
  })

  it('fails in the end with the error of the system', async () => {
    let tries = 0
    const step = async () => {
      tries += 1
      throw new DiskError('EBUSY')
    }
    expect(await rejection(retryWhileHeld(step, [0, 0, 0]))).toMatchObject({ code: 'EBUSY' })
    expect(tries).toBe(4)
  })

  it('fails at once for any other reason', async () => {
    let tries = 0
    const step = async () => {
      tries += 1
      throw new DiskError('ENOSPC')
    }
    expect(await rejection(retryWhileHeld(step, [0, 0, 0]))).toMatchObject({ code: 'ENOSPC' })
    expect(tries).toBe(1)
  })
})
