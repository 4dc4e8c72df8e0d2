'use strict'
/*
 * Notes what the tray app shows the person and does what the person would do. It works over the real module and over its double alike; the
 * system's own look of tray, dialogs and notifications is what it stands in for.
 */
exports.record = function record(electron) {
  const { BrowserWindow, clipboard, dialog, ipcMain, Notification, shell, Tray } = electron
  const seen = { tooltip: '', menu: undefined, icons: [], notifications: [], opened: [], questions: [] }
  let answer

  const instead = (target, name, replacement) => {
    const original = target[name]
    target[name] = function (...args) {
      return replacement.call(this, original, ...args)
    }
  }
  instead(Tray.prototype, 'setContextMenu', function (original, menu) {
    seen.menu = menu
    return original.call(this, menu)
  })
  instead(Tray.prototype, 'setToolTip', function (original, text) {
    seen.tooltip = text
    return original.call(this, text)
  })
  instead(Tray.prototype, 'setImage', function (original, image) {
    seen.icons.push(image.toDataURL())
    return original.call(this, image)
  })
  instead(Notification.prototype, 'show', function () {
    seen.notifications.push({ shown: this, isOpen: true })
  })
  instead(Notification.prototype, 'close', function () {
    for (const one of seen.notifications) if (one.shown === this) one.isOpen = false
  })
  shell.openExternal = async (url) => void seen.opened.push(url)
  dialog.showMessageBox = async (...args) => {
    const { message, detail, buttons = [], cancelId = 0 } = args.at(-1)
    seen.questions.push({ message, detail, buttons })
    const response = answer === undefined ? cancelId : buttons.indexOf(answer)
    answer = undefined
    return { response, checkboxChecked: false }
  }

  const linesOf = (menu) =>
    (menu?.items ?? []).map(({ type, label, enabled, submenu }) =>
      type === 'separator'
        ? '—'
        : submenu
          ? { label, lines: linesOf(submenu) }
          : enabled
            ? label
            : `(${label})`,
    )
  const itemAt = (menu, [label, ...rest]) => {
    const item = menu?.items.find((one) => one.label === label || one.label.startsWith(`${label}: `))
    if (!item) throw new Error(`the menu has no line ${label}`)
    return rest.length === 0 ? item : itemAt(item.submenu, rest)
  }
  return {
    tooltip: () => seen.tooltip,
    menu: () => linesOf(seen.menu),
    icons: () => seen.icons,
    click(path) {
      const item = itemAt(seen.menu, path)
      if (!item.enabled) throw new Error(`the line ${path.at(-1)} cannot be clicked`)
      item.click()
    },
    answerNext(button) {
      answer = button
    },
    questions: () => seen.questions,
    opened: () => seen.opened,
    copied: () => clipboard.readText(),
    isWindowVisible: () => BrowserWindow.getAllWindows().some((window) => window.isVisible()),
    closeWindow: () => BrowserWindow.getAllWindows()[0].close(),
    offerPort(from) {
      const { webContents } = BrowserWindow.getAllWindows()[0]
      const { mainFrame } = webContents
      const other = { url: mainFrame.url }
      let fate = 'ignored'
      const port = {
        on() {},
        postMessage() {},
        start: () => (fate = 'taken'),
        close: () => (fate = 'closed'),
      }
      const senders = {
        'the page': { sender: webContents, senderFrame: mainFrame },
        'a frame in the page': { sender: webContents, senderFrame: other },
        'a frame that is gone': { sender: webContents, senderFrame: null },
        'another window': { sender: { mainFrame: other }, senderFrame: other },
      }
      ipcMain.emit('bridgekeeper:port', { ...senders[from], ports: [port] }, null)
      return fate
    },
    notifications: () =>
      seen.notifications.map(({ shown: { title, body }, isOpen }) => ({ title, body, isOpen })),
    clickNotification(title) {
      const found = seen.notifications.findLast(({ shown }) => shown.title === title)
      if (!found) throw new Error(`no notification says ${title}`)
      found.shown.emit('click')
    },
  }
}
