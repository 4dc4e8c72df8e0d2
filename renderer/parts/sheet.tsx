import { Dialog } from '@base-ui/react/dialog'
import type { ReactNode } from 'react'

/** A small sheet over the window for one question. Escape and a click beside it close it. */
export function Sheet({
  title,
  isOpen,
  onClose,
  isWide = false,
  children,
}: {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  /** For what has long lines. */
  readonly isWide?: boolean
  readonly children: ReactNode
}) {
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 bg-[#0006] transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup
          className={`fixed top-1/2 left-1/2 max-h-[85vh] ${isWide ? 'w-[min(42rem,calc(100vw-2rem))]' : 'w-[min(30rem,calc(100vw-2rem))]'} -translate-x-1/2 -translate-y-1/2 overflow-y-auto rounded-2xl border border-line bg-panel p-5 shadow-xl transition duration-150 data-ending-style:opacity-0 data-starting-style:translate-y-[-48%] data-starting-style:opacity-0`}
        >
          <Dialog.Title className="text-[16px] font-semibold tracking-tight">{title}</Dialog.Title>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
