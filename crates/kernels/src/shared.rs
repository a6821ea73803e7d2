//! Writing one matrix from several threads: every slice of a region has a tile of its own.
//!
//! A [`Grid`] cuts a matrix into tiles that cannot overlap, [`Pool::for_each_tile`] hands each tile to exactly one slice.
//! So the borrow rules hold without locks, and callers need no `unsafe`.

use std::marker::PhantomData;
use std::ops::Range;

use crate::threads::Pool;

/// A matrix, row after row, and how it is cut into tiles.
#[derive(Debug)]
pub struct Grid<'a, T = f32> {
    data: &'a mut [T],
    cols: usize,
    bands: Bands<'a>,
    tile_cols: usize,
}

/// How the rows of a matrix are cut.
#[derive(Clone, Copy, Debug)]
pub enum Bands<'a> {
    /// All rows, so many at a time.
    Every(usize),
    /// These rows only: ascending, not overlapping.
    List(&'a [Range<usize>]),
}

impl<'a, T> Grid<'a, T> {
    /// `data` is `[rows, cols]`; a tile is one band of rows by `tile_cols` columns, the last one narrower where it must be.
    ///
    /// # Panics
    /// `data` is not a whole number of rows, a size is zero, or listed bands overlap or leave the matrix.
    pub fn new(data: &'a mut [T], cols: usize, bands: Bands<'a>, tile_cols: usize) -> Self {
        assert!(
            cols > 0 && tile_cols > 0 && data.len().is_multiple_of(cols),
            "{} numbers in rows of {cols}",
            data.len()
        );
        match bands {
            Bands::Every(rows) => assert!(rows > 0, "bands of no rows"),
            Bands::List(list) => assert!(ascending(list, data.len() / cols), "bands overlap or leave the matrix"),
        }
        Self { data, cols, bands, tile_cols }
    }

    fn num_tiles(&self) -> usize {
        let bands = match self.bands {
            Bands::Every(rows) => (self.data.len() / self.cols).div_ceil(rows),
            Bands::List(list) => list.len(),
        };
        bands * self.tiles_per_band()
    }

    fn tiles_per_band(&self) -> usize {
        self.cols.div_ceil(self.tile_cols)
    }

    fn parts(&mut self) -> Parts<'a, T> {
        Parts {
            data: self.data.as_mut_ptr(),
            rows: self.data.len() / self.cols,
            cols: self.cols,
            bands: self.bands,
            tile_cols: self.tile_cols,
            tiles_per_band: self.tiles_per_band(),
        }
    }
}

/// Part of a matrix that belongs to one slice of a region.
#[derive(Debug)]
pub struct Tile<'a, T = f32> {
    data: *mut T,
    stride: usize,
    rows: Range<usize>,
    cols: Range<usize>,
    band: usize,
    matrix: PhantomData<&'a mut [T]>,
}

impl<T> Tile<'_, T> {
    /// Rows of the matrix that the tile covers.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Columns of the matrix that the tile covers.
    pub fn cols(&self) -> Range<usize> {
        self.cols.clone()
    }

    /// Number of the band.
    pub fn band(&self) -> usize {
        self.band
    }

    /// The tile's part of row `row` of the matrix.
    ///
    /// # Panics
    /// The row is not the tile's.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        assert!(self.rows.contains(&row), "row {row} of a tile of rows {:?}", self.rows);
        // SAFETY: `row` and `cols` lie in the matrix (`Grid::new`, `Parts::tile`). No other tile has these elements, this
        // one is borrowed for as long as the result lives, and the matrix is borrowed for `'a`.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(row * self.stride + self.cols.start), self.cols.len()) }
    }
}

impl Pool {
    /// Calls `work(grid, tile)` for every tile of `grids`, each once, as the slices of one region: `grid` is the grid's index.
    ///
    /// # Panics
    /// As [`Pool::run`].
    pub fn for_each_tile<T: Send>(&self, grids: &mut [Grid<'_, T>], work: impl Fn(usize, Tile<'_, T>) + Sync) {
        if let [grid] = grids {
            let parts = grid.parts();
            // SAFETY: the region has one slice for each index, so no tile is made twice.
            return self.run(grid.num_tiles(), |tile| work(0, unsafe { parts.tile(tile) }));
        }
        let tiles: Vec<usize> = grids.iter().map(|grid| grid.num_tiles()).collect();
        let parts: Vec<Parts<'_, T>> = grids.iter_mut().map(Grid::parts).collect();
        // SAFETY: as above, for the slices of each run.
        self.run_runs(&tiles, |grid, tile| work(grid, unsafe { parts[grid].tile(tile) }));
    }
}

/// A grid whose matrix is shared by the threads of a region.
struct Parts<'a, T> {
    data: *mut T,
    rows: usize,
    cols: usize,
    bands: Bands<'a>,
    tile_cols: usize,
    tiles_per_band: usize,
}

// SAFETY: the threads use the pointer only through tiles, which do not overlap; the numbers may move between threads.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<T> Parts<'_, T> {
    /// # Safety
    /// `index` is below the number of tiles, and at most one tile of this index is alive.
    unsafe fn tile(&self, index: usize) -> Tile<'_, T> {
        let (band, col) = (index / self.tiles_per_band, index % self.tiles_per_band * self.tile_cols);
        let rows = match self.bands {
            Bands::Every(rows) => band * rows..self.rows.min((band + 1) * rows),
            Bands::List(list) => list[band].clone(),
        };
        let cols = col..self.cols.min(col + self.tile_cols);
        Tile { data: self.data, stride: self.cols, rows, cols, band, matrix: PhantomData }
    }
}

fn ascending(list: &[Range<usize>], rows: usize) -> bool {
    let ends = std::iter::once(0).chain(list.iter().map(|band| band.end));
    list.iter().zip(ends).all(|(band, end)| end <= band.start && band.start <= band.end && band.end <= rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_belongs_to_one_tile() {
        for (rows, cols, step, tile_cols) in [(1, 1, 1, 1), (7, 5, 2, 3), (4, 16, 9, 16), (3, 33, 1, 16)] {
            let (mut a, mut b) = (vec![0u32; rows * cols], vec![0u32; rows * cols]);
            let bands = [0..1, 1..rows];
            let mut grids = [
                Grid::new(&mut a, cols, Bands::Every(step), tile_cols),
                Grid::new(&mut b, cols, Bands::List(&bands), tile_cols),
            ];
            Pool::new(3).unwrap().for_each_tile(&mut grids, |grid, mut tile| {
                for row in tile.rows() {
                    let first = row * cols + tile.cols().start;
                    let numbers = (first..).map(|n| (grid + n) as u32);
                    tile.row_mut(row).iter_mut().zip(numbers).for_each(|(element, n)| *element += n + 1);
                }
            });
            let expected = |grid: u32| (1 + grid..).take(rows * cols).collect::<Vec<u32>>();
            assert_eq!((a, b), (expected(0), expected(1)), "{rows}×{cols}");
        }
    }

    #[test]
    #[should_panic(expected = "bands overlap")]
    fn overlapping_bands_are_refused() {
        let _ = Grid::new(&mut [0.0; 12], 3, Bands::List(&[0..2, 1..3]), 3);
    }

    #[test]
    #[should_panic(expected = "row 2 of a tile")]
    fn a_tile_has_no_other_rows() {
        let mut data = [0.0f32; 12];
        let mut grids = [Grid::new(&mut data, 3, Bands::Every(2), 3)];
        Pool::new(1).unwrap().for_each_tile(&mut grids, |_, mut tile| tile.row_mut(2).fill(1.0));
    }
}
