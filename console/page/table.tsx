import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './parts';
import { goTo, linkTo, routeOf } from './route';

export interface Column {
  title: string;
  /**
   * `main` takes the room that the others leave, and its own line where there is little; `minor` is left out there, and
   * `right` goes to the line's end. `act` is for buttons.
   */
  kind?: 'main' | 'minor' | 'right' | 'minor right' | 'act';
}

export interface Row {
  id: string;
  cells: readonly ComponentChildren[];
  /** Shown below the row when it is open; absent when there is nothing more. */
  body?: () => ComponentChildren;
}

interface TableProps {
  label: string;
  columns: readonly Column[];
  rows: readonly Row[];
  /** The open row. It is part of the address, so that a link leads there and *back* closes it. */
  openId?: string | undefined;
}

/** Columns are as wide as their content. */
export function Table({ label, columns, rows, openId }: TableProps) {
  const canOpen = rows.some(({ body }) => body !== undefined);
  return (
    <div class="table">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ title, kind }) => (
              <th key={title} scope="col" class={kind}>
                {title || <span class="visually-hidden">What can be done</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <TableRow
              key={row.id}
              row={row}
              columns={columns}
              isOpen={row.id === openId && row.body !== undefined}
              hasMark={canOpen}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TableRow(props: { row: Row; columns: readonly Column[]; isOpen: boolean; hasMark: boolean }) {
  const { row, columns, isOpen, hasMark } = props;
  const { id, cells, body } = row;
  const element = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    // A row that was opened by a link comes into view.
    if (isOpen) element.current?.scrollIntoView({ block: 'center' });
  }, []);
  const toggle = (): void => {
    const { view, filter } = routeOf(location.hash);
    goTo(linkTo(view, isOpen ? undefined : id, filter));
  };
  const onRow = ({ target }: MouseEvent): void => {
    const isControl = target instanceof Element && target.closest('a, button') !== null;
    if (!isControl && getSelection()?.isCollapsed !== false) toggle();
  };
  return (
    <>
      <tr
        ref={element}
        class={body === undefined ? '' : isOpen ? 'can-open open' : 'can-open'}
        {...(body !== undefined && { onClick: onRow })}
      >
        {cells.map((cell, index) => (
          <td key={index} class={columns[index]?.kind}>
            {index === 0 && body !== undefined ? (
              <button type="button" class="disclose" aria-expanded={isOpen} onClick={toggle}>
                <Icon name="more" />
                {cell}
              </button>
            ) : index === 0 && hasMark ? (
              <span class="disclose">
                <span class="icon" />
                {cell}
              </span>
            ) : (
              cell
            )}
          </td>
        ))}
      </tr>
      {isOpen && (
        <tr class="row-body">
          <td colSpan={columns.length}>
            <div class="entry-body">{body?.()}</div>
          </td>
        </tr>
      )}
    </>
  );
}
